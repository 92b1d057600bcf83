"""The number of threads, against the cores of the machine and the size of the work."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import amdahl, called, model_share, top_row, worth
from tauto.profiling.fixes import fix, fix_line, recipe_fix
from tauto.reports.profile import Finding, Fix, Gain, ProfileReport

__all__ = ["few_threads", "many_threads", "threads_for_small_work"]

TINY_MS = 2.0


def many_threads(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find more threads than cores."""
    if _on_cpu(report) and facts.threads > facts.cores:
        yield Finding(
            "many_threads",
            "More threads than cores fight for the machine",
            f"{facts.threads} threads on {facts.cores} usable cores: each operator waits for the slowest of its "
            "threads, which waits for a core.",
            fix_line("many_threads"),
            f"torch.set_num_threads({facts.cores})",
            cause="threads",
            expected=Gain(None, None, "how long threads waited for a core was not measured"),
            fix=fix("threads", count=facts.cores),
        )


def few_threads(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find arithmetic on few of the cores."""
    workers = max((loader.workers for loader in facts.loaders), default=0)
    usable = min(facts.physical_cores or facts.cores, facts.cores)
    if not _on_cpu(report) or facts.threads + workers >= usable:
        return
    for index, root in called(facts):
        row = top_row(report, index)
        if row is None or row.bound != "compute":
            continue
        reach = model_share(report, facts, index)
        gain = Gain(
            amdahl(reach, usable / facts.threads),
            None,
            f"at best: the model takes {reach:.0%} of the time, and uses {facts.threads} of {usable} cores",
        )
        if worth(gain):
            yield Finding(
                "few_threads",
                f"{root.title} computes on {facts.threads} of {usable} cores",
                f"Its arithmetic binds it, and torch.get_num_threads() is {facts.threads}.",
                fix_line("few_threads"),
                f"torch.set_num_threads({usable})",
                cause="threads",
                expected=gain,
                fix=fix("threads", count=usable),
            )
            return


def threads_for_small_work(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find calls so short that handing work to other threads costs more than it brings."""
    if not _on_cpu(report) or not 1 < facts.threads <= facts.cores:
        return
    for index, root in called(facts):
        row = top_row(report, index)
        if row is None or row.bound != "overhead" or root.latency_ms > TINY_MS or root.opaque:
            continue
        gain = _one_thread_gain(report, facts, index)
        if worth(gain):
            yield Finding(
                "threads_for_small_work",
                f"{root.title} may be too small for {facts.threads} threads",
                f"A call takes {root.latency_ms:.2f} ms and is bound by overhead; waking threads is part of it.",
                fix_line("threads_for_small_work"),
                "torch.set_num_threads(1)",
                cause="threads",
                expected=gain,
                fix=_one_thread(facts, root),
            )


def _one_thread_gain(report: ProfileReport, facts: Facts, index: int) -> Gain:
    measured = facts.roots[index].one_thread_gain
    if measured is None:
        return Gain(None, None, "its operators were not measured with one thread")
    reach = model_share(report, facts, index)
    return Gain(
        amdahl(reach, max(measured, 1e-3)),
        None,
        f"its heaviest operators are {measured:.2f} × as fast with one thread, measured here",
    )


def _one_thread(facts: Facts, root: RootFacts) -> Fix:
    return fix("threads", count=1) if facts.trains else recipe_fix(root.name, ("threads", {"count": 1}))


def _on_cpu(report: ProfileReport) -> bool:
    return report.device == "cpu" and report.root_calls > 0

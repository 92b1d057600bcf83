"""What holds the cell back: rules over the report and a few facts, each a function of its own.

A rule claims no gain that was not measured: its evidence is what was seen, and its line measures what helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.reports.profile import Finding, ModuleRow, ProfileReport

__all__ = ["RULES", "find"]

OUTSIDE_SHARE = 0.3
LOADER_SHARE = 0.2
FASTER_PRECISION = 1.5
MANY_OPERATORS = 20
SMALL_OPERATOR_US = 100
TINY_MS = 2.0

Rule = Callable[[ProfileReport, Facts], Iterator[Finding]]


def find(report: ProfileReport, facts: Facts) -> tuple[Finding, ...]:
    """Return what every rule finds, in the order of :data:`RULES`."""
    return tuple(finding for rule in RULES for finding in rule(report, facts))


def _line(verb: str, root: RootFacts) -> str:
    return f"%tauto_{verb} {root.name}".rstrip()


def _python(verb: str, root: RootFacts) -> str:
    return f"tauto.{verb}({root.name})" if root.name else f"tauto.{verb}(model)  # the {root.kind} called here"


def _top(report: ProfileReport, index: int) -> ModuleRow | None:
    return next((row for row in report.modules if row.root == index and row.depth == 0), None)


def _inferring(facts: Facts) -> Iterator[tuple[int, RootFacts]]:
    """The models of a cell that trains nothing."""
    if not facts.trains:
        yield from ((index, root) for index, root in enumerate(facts.roots) if root.calls)


def eval_missing(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a model in training mode in a cell that trains nothing."""
    for _, root in _inferring(facts):
        if root.training_calls:
            yield Finding(
                "eval_missing",
                f"{root.title} ran in training mode, though nothing was trained in this cell",
                f"{root.training_calls} of {root.calls} calls in training mode, 0 backward passes. Dropout is "
                "active and batch norm follows each batch, so the outputs are not those of the trained model.",
                "",
                f"{root.name or 'model'}.eval()",
            )


def inference_mode_missing(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find gradients that were recorded and never used."""
    for _, root in _inferring(facts):
        if root.grad_calls and root.trainable:
            yield Finding(
                "inference_mode_missing",
                f"{root.title} recorded gradients that nothing used",
                f"{root.grad_calls} of {root.calls} calls recorded a graph for gradients, 0 backward passes. "
                "The graph keeps every activation in memory.",
                "",
                f"with torch.inference_mode():\n    {root.name or 'model'}(...)",
            )


def outside_model(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a loop that takes long outside the model."""
    share = report.outside_ms / report.wall_ms if report.wall_ms else 0.0
    if not report.root_calls or share < OUTSIDE_SHARE:
        return
    what = "the model, its backward pass and the optimizer" if facts.trains else "the model"
    evidence = f"{share:.0%} of {report.wall_ms:,.0f} ms passed outside {what}"
    if facts.loader_share >= LOADER_SHARE:
        yield Finding(
            "data_loading",
            "The loop waits for its data",
            f"{evidence}; {facts.loader_share:.0%} of the traced time was spent waiting for the DataLoader.",
            "",
            f"DataLoader(dataset, num_workers={max(1, facts.cores - 1)}, persistent_workers=True)",
        )
    else:
        yield Finding(
            "outside_model",
            f"Much of the time passes outside {what}",
            f"{evidence}: data, printing, the loop itself. This shows in which functions:",
            "%%prun",
            "import cProfile; cProfile.run('your_loop()', sort='cumulative')",
        )


def eager_overhead(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find many small operators, whose launching takes longer than their work."""
    for index, root in enumerate(facts.roots):
        row = _top(report, index)
        if row is None or row.bound != "overhead" or root.operators_per_call < MANY_OPERATORS:
            continue
        each_us = 1000 * row.total_ms / row.calls / root.operators_per_call
        if each_us > SMALL_OPERATOR_US:
            continue
        yield Finding(
            "eager_overhead",
            f"{root.title} spends its time between operators, not in them",
            f"{root.operators_per_call:.0f} operators a call at {each_us:.0f} µs each on average; at this "
            f"machine's ceilings their arithmetic and memory traffic explain {row.share_of_ceiling or 0:.0%} of it.",
            "" if facts.trains else _line("autotune", root),
            f"torch.compile({root.name or 'model'})" if facts.trains else _python("autotune", root),
        )


def faster_precision(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find float32 arithmetic where this machine is faster in fewer bits."""
    base = facts.gflops.get("float32")
    rates = {name: rate for name, rate in facts.gflops.items() if base and rate >= FASTER_PRECISION * base}
    if not rates or base is None:
        return
    ceilings = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    for index, root in enumerate(facts.roots):
        row = _top(report, index)
        if row is None or row.bound != "compute" or root.precision != "float32":
            continue
        if facts.trains and "bfloat16" not in rates:
            continue
        device = report.device.partition(":")[0]
        training = f"with torch.autocast({device!r}, dtype=torch.bfloat16):\n    {root.name or 'model'}(...)"
        yield Finding(
            "faster_precision",
            f"{root.title} computes in float32, where this machine is faster in fewer bits",
            f"{row.flops / row.calls / 1e9:.3g} GFLOP a call in float32. Ceilings measured here, in GFLOP/s: "
            f"float32 {base:,.0f}, {ceilings}. How much of that the model gets is to be measured.",
            "" if facts.trains else _line("quantize", root),
            training if facts.trains else _python("quantize", root),
        )


def unfolded_norms(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find batch norms that could be part of the convolution before them."""
    for _, root in _inferring(facts):
        if root.foldable_norms and not root.training_calls:
            yield Finding(
                "unfolded_norms",
                f"Batch norms of {root.title} can be folded into the convolutions before them",
                f"Convolutions with a batch norm of as many channels after them: {root.foldable_norms}. In eval mode "
                "each batch norm is a pass over its input that the convolution's weights can hold.",
                _line("autotune", root),
                _python("autotune", root),
            )


def memory_format(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find convolutions in the default layout."""
    for root in facts.roots:
        if not root.convolutions or root.channels_last or not root.calls or root.opaque:
            continue
        twin = f"{root.name or 'model'} = {root.name or 'model'}.to(memory_format=torch.channels_last)"
        yield Finding(
            "memory_format",
            f"{root.title} keeps its convolutions in the default memory format",
            f"{root.convolutions} two-dimensional convolutions, none with channels last, the layout that many "
            "convolution kernels work in.",
            "" if facts.trains else _line("autotune", root),
            twin if facts.trains else _python("autotune", root),
        )


def threads(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a number of threads that does not fit the machine, or the size of the work."""
    if report.device != "cpu" or not report.root_calls:
        return
    if facts.threads > facts.cores:
        yield Finding(
            "threads",
            "More threads than cores fight for the machine",
            f"{facts.threads} threads on {facts.cores} usable cores.",
            "",
            f"torch.set_num_threads({facts.cores})",
        )
        return
    for index, root in enumerate(facts.roots):
        row = _top(report, index)
        if row is None or facts.threads == 1 or row.bound != "overhead" or root.latency_ms > TINY_MS:
            continue
        yield Finding(
            "threads",
            f"{root.title} may be too small for {facts.threads} threads",
            f"A call takes {root.latency_ms:.2f} ms and is bound by overhead; waking threads is part of it.",
            "" if facts.trains else _line("autotune", root),
            "torch.set_num_threads(1)",
        )


def not_seen(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Say what the profile could not look into."""
    if facts.not_traced:
        yield Finding("not_traced", "Operators were not traced to the end", f"{facts.not_traced}.", "", "")
    for root in facts.roots:
        if root.opaque:
            yield Finding(
                "opaque_model",
                f"{root.title} is {root.opaque}: its inner modules cannot be told apart",
                "Its calls are timed as a whole.",
                "",
                "",
            )
        if not root.traced and not facts.not_traced:
            yield Finding(
                "untraced_model",
                f"{root.title} was timed, not traced",
                "Only the first four models, and calls from the thread of the cell, are traced operator by operator.",
                "",
                "",
            )
        if root.not_remembered:
            yield Finding(
                "inputs_not_remembered",
                f"The inputs of {root.title} could not be kept for the next verbs",
                f"{root.not_remembered}. Name them.",
                f"{_line('autotune', root)} --inputs NAME" if root.name else "",
                f"tauto.autotune({root.name or 'model'}, inputs=...)",
            )


def can_be_tried(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Offer to try what there is on the model that took most of the time."""
    called = [root for root in facts.roots if root.calls]
    if not called:
        return
    root = max(called, key=lambda root: root.calls * root.latency_ms)
    when = "Once it is trained, every" if facts.trains else "Every"
    yield Finding(
        "can_be_tried",
        f"{root.title} can be tried as it is",
        f"{when} technique that applies is measured against the original here; the original stays when none is "
        "better. With --evaluate NAME the quality is proved, too.",
        _line("autotune", root),
        _python("autotune", root),
    )


RULES: tuple[Rule, ...] = (
    eval_missing,
    inference_mode_missing,
    outside_model,
    eager_overhead,
    faster_precision,
    unfolded_norms,
    memory_format,
    threads,
    not_seen,
    can_be_tried,
)

"""What fills memory, and what it costs to get it from the system again and again."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts, OptimizerFacts
from tauto.profiling.findings._base import by_saving, called, model_name, phase_ms, worth
from tauto.profiling.fixes import fix, fix_line
from tauto.reports.profile import Finding, Gain, ModuleRow, ProfileReport

__all__ = ["activations", "optimizer_state", "optimizer_unfused", "page_faults"]

LARGE_BYTES = 256 * 2**20
"""Below it nothing is said about memory."""
DOMINATES = 0.5
"""Of all bytes at the peak."""
STATE_SHARE = 0.35
CACHE_BYTES = 32 * 2**20
_MOVED = {"SGD": 4, "Adam": 7, "AdamW": 7, "Adagrad": 5}
"""Times that a step reads or writes each parameter's size at least: weights, gradient and states read, all but the
gradient written (one state for SGD with momentum and Adagrad, two for Adam)."""


def activations(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find training whose memory is mostly what forward keeps for backward."""
    if not facts.trains:
        return
    peak = report.memory.peak if report.memory else None
    for index, root in called(facts):
        blocks = _blocks(report, index)
        kept = sum(row.activation_bytes for row in blocks)
        total = peak.total_bytes if peak else (report.peak_bytes or 0)
        alive = peak.by_category.get("activations", 0) if peak else kept
        if alive < LARGE_BYTES or alive < DOMINATES * total or not blocks or root.opaque:
            continue
        again = sum(row.total_ms / row.calls for row in blocks) * root.calls
        slower = report.wall_ms / (report.wall_ms + again) if report.wall_ms else None
        saved = round(alive * min(kept / alive, 1.0) * (1 - 1 / len(blocks)))
        paths = ",".join(row.path for row in blocks)
        yield Finding(
            "activations",
            f"Memory is mostly what {root.title} keeps for its backward pass",
            f"{alive / 1e6:,.0f} of {total / 1e6:,.0f} MB at the peak are activations; {len(blocks)} blocks "
            f"({blocks[0].path} … {blocks[-1].path}) keep {kept / 1e6:,.0f} MB. Computed again in the backward pass, "
            "they need not be kept: slower, and room for a larger batch or model.",
            fix_line("activations"),
            f"torch.utils.checkpoint.checkpoint({model_name(root)}.{blocks[0].path}, x, use_reentrant=False)",
            cause="memory",
            expected=Gain(
                slower,
                saved,
                "what the blocks keep but one of them; the cost is their forward pass once more, as measured",
            ),
            fix=fix("checkpoint", root.name, modules=paths),
        )


def optimizer_state(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find an optimizer whose state is a large part of memory."""
    for optimizer in facts.optimizers:
        total = report.memory.peak.total_bytes if report.memory else (report.peak_bytes or 0)
        if optimizer.state_bytes < LARGE_BYTES or optimizer.state_bytes < STATE_SHARE * total:
            continue
        yield Finding(
            "optimizer_state",
            f"The state of {_title(optimizer)} is a large part of memory",
            f"{optimizer.state_bytes / 1e6:,.0f} of {total / 1e6:,.0f} MB; the parameters themselves are "
            f"{optimizer.parameter_bytes / 1e6:,.0f} MB.",
            "",
            "torchao.optim.AdamW8bit(model.parameters(), ...)  # pip install torchao"
            if optimizer.kind.startswith("Adam")
            else "torch.optim.SGD(model.parameters(), ..., momentum=0)",
            cause="memory",
            expected=Gain(
                None,
                round(optimizer.state_bytes * (0.74 if optimizer.kind.startswith("Adam") else 1.0)),
                "states of one byte instead of four, and a scale for each 256 of them"
                if optimizer.kind.startswith("Adam")
                else "no momentum is kept",
            ),
        )


def optimizer_unfused(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find an optimizer that passes over its parameters several times, where one pass would do."""
    steps = sum(one.steps for one in facts.optimizers)
    for optimizer in facts.optimizers:
        if optimizer.fused or not optimizer.can_fuse or not facts.copy_memory_gbps:
            continue
        spent = phase_ms(report, facts, "optimizer") * optimizer.steps / steps
        moved = optimizer.parameter_bytes * _MOVED.get(optimizer.kind, 7)
        rate = facts.copy_cache_gbps if moved <= CACHE_BYTES and facts.copy_cache_gbps else facts.copy_memory_gbps
        least = optimizer.steps * moved / (rate * 1e6)
        gain = by_saving(
            report,
            spent - least,
            f"{spent:,.0f} ms in its steps now; one pass over {moved / 1e6:,.1f} MB a step at this machine's bandwidth "
            f"takes {least:.2g} ms, at best",
        )
        if worth(gain):
            yield Finding(
                "optimizer_unfused",
                f"{_title(optimizer)} updates its parameters in several passes",
                f"{spent / report.wall_ms:.0%} of the cell is in {optimizer.steps:,} optimizer steps over "
                f"{optimizer.tensors:,} tensors, {spent / optimizer.steps:.2f} ms each.",
                fix_line("optimizer_unfused"),
                f"torch.optim.{optimizer.kind}(model.parameters(), ..., fused=True)",
                cause="overhead",
                expected=gain,
                fix=fix("optimizer", optimizer.name, fused=True),
            )


def page_faults(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find tensors whose memory is given back to the system and faulted in again."""
    if report.device != "cpu" or not facts.keeps_freed_memory or not facts.page_fault_us or not report.root_calls:
        return
    grown = (max(report.usage.process_bytes) - min(report.usage.process_bytes)) if report.usage.process_bytes else 0
    again = facts.page_faults - grown / PAGE_BYTES
    steps = max(report.steps.count if report.steps else report.root_calls, 1)
    threads = max(min(facts.threads, facts.cores), 1)
    cost_ms = again * facts.page_fault_us / 1000 / threads
    gain = by_saving(
        report,
        cost_ms,
        f"{facts.page_fault_us:.2f} µs a fault, measured here; at best {threads} at a time",
    )
    if worth(gain):
        yield Finding(
            "page_faults",
            "Memory of large tensors is given back to the system and fetched again",
            f"{facts.page_faults:,} page faults, {facts.page_faults / steps:,.0f} a step: "
            "freed memory went back to the system, which hands it out again page by page, and clears each.",
            fix_line("page_faults"),
            "from tauto.measurement.allocator import keep_freed_memory\nkeep_freed_memory()",
            cause="memory",
            expected=gain,
            fix=fix("keep_freed_memory"),
        )


PAGE_BYTES = 4096


def _blocks(report: ProfileReport, index: int) -> tuple[ModuleRow, ...]:
    """The repeated modules that keep most: of one class, at one depth, without a parent among them."""
    groups: dict[tuple[int, str], list[ModuleRow]] = {}
    for row in report.modules:
        if row.root == index and row.depth and row.activation_bytes and row.calls:
            groups.setdefault((row.depth, row.kind), []).append(row)
    repeated = [rows for rows in groups.values() if len(rows) > 1 and any(_has_inner(report, row) for row in rows)]
    return tuple(max(repeated, key=lambda rows: sum(row.activation_bytes for row in rows), default=[]))


def _has_inner(report: ProfileReport, row: ModuleRow) -> bool:
    return any(other.root == row.root and other.path.startswith(f"{row.path}.") for other in report.modules)


def _title(optimizer: OptimizerFacts) -> str:
    return f"{optimizer.name} ({optimizer.kind})" if optimizer.name else optimizer.kind

"""The page of a :class:`~tauto.reports.ProfileReport`: where time and memory go."""

from __future__ import annotations

from tauto.rendering import memory
from tauto.rendering.document import Block, Cell, Column, Document, Facts, Folded, Note, Row, Table, cell, numeric
from tauto.rendering.findings import expected_words, finding_blocks, tried_words
from tauto.rendering.hints import Hints
from tauto.rendering.modules import module_blocks, operator_blocks
from tauto.rendering.numbers import count, data_size, duration, flops, plural, share
from tauto.rendering.phases import PHASES, line_blocks, phase_blocks, step_words, usage_blocks
from tauto.rendering.profile_comparison import document as changes
from tauto.rendering.view import View
from tauto.reports import ProfileComparison, ProfileReport, RootModel

__all__ = ["compared", "document", "explain", "headline", "table"]

_UNCOUNTED = 8
_ROOTS = (
    Column("Model", shorten=True),
    Column("Kind", shorten=True),
    *numeric("Time", "Calls", "Parameters", "Weights"),
    Column("Mode"),
    Column("Inputs"),
)


def headline(report: ProfileReport) -> str:
    """Return in one line where the time goes."""
    if not report.roots:
        return f"{duration(report.wall_ms)}, and no model was called"
    found = plural(len(report.findings), "finding") if report.findings else "nothing found that holds it back"
    return f"{duration(report.wall_ms)}: {_where(report)}; {found}"


def _where(report: ProfileReport) -> str:
    whole = sum(phase.total_ms for phase in report.phases)
    if whole > 0:
        longest = sorted(report.phases, key=lambda phase: -phase.total_ms)[:2]
        parts = [f"{share(phase.total_ms / whole)} {PHASES[phase.name]}" for phase in longest if phase.total_ms > 0]
        return ", ".join(parts)
    outside = report.outside_ms / report.wall_ms if report.wall_ms > 0 else 0.0
    models = "in the model" if len(report.roots) == 1 else f"in {len(report.roots)} models"
    return f"{share(1 - outside)} {models}, {share(outside)} outside"


def document(report: ProfileReport, view: View | None = None, hints: Hints | None = None) -> Document:
    """Return the page, with the modules that ``view`` shows and lines to run as ``hints`` writes them."""
    chosen = view or View()
    blocks = finding_blocks(report.findings, hints or Hints()) + phase_blocks(report)
    if len(report.roots) > 1 or not report.modules:
        blocks.append(_roots(report.roots))
    blocks += module_blocks(report, chosen) + operator_blocks(report) + _uncounted(report)
    blocks += line_blocks(report.lines)
    blocks.append(_memory(report))
    blocks += memory.blocks(report.memory, whole=chosen.memory) if report.memory else ()
    blocks += [*usage_blocks(report.usage), _conditions(report)]
    return Document(f"Profile of {report.subject}", headline(report), tuple(blocks))


def compared(report: ProfileReport, view: View, moved: ProfileComparison, hints: Hints | None = None) -> Document:
    """Return the page of a profile that was set against an earlier one: what moved, then the profile itself."""
    first = changes(moved)
    whole = document(report, view, hints)
    found = finding_blocks(report.findings, hints or Hints())
    itself = Folded(f"The profile itself: {whole.headline}", whole.blocks)
    return Document(first.title, first.headline, (*first.blocks, *found, itself), first.tone)


def table(report: ProfileReport, view: View) -> Document:
    """Return the table of modules by itself."""
    return Document(f"Modules of {report.subject}", headline(report), tuple(module_blocks(report, view)))


def _uncounted(report: ProfileReport) -> list[Block]:
    if not report.uncounted:
        return []
    more = len(report.uncounted) - _UNCOUNTED
    names = ", ".join(report.uncounted[:_UNCOUNTED]) + (f", and {more} more" if more > 0 else "")
    return [Note(f"FLOPs of these operators are not counted: {names}.")]


def _roots(roots: tuple[RootModel, ...]) -> Table:
    rows = tuple(
        Row(
            (
                cell(root.name, code=True),
                cell(root.kind),
                Cell(duration(root.total_ms)),
                Cell(count(root.calls)),
                Cell(count(root.parameters)),
                Cell(data_size(root.parameter_bytes)),
                Cell("training" if root.training else "eval"),
                cell(", ".join(root.shapes[:4])),
            ),
            weight=root.total_ms,
        )
        for root in roots
    )
    return Table("Models that were called", _ROOTS, rows, more="models", limit=12)


def _memory(report: ProfileReport) -> Facts:
    weights = sum(root.parameter_bytes for root in report.roots)
    rows = (
        (
            "Weights",
            f"{data_size(weights)} in {plural(sum(root.parameters for root in report.roots), 'parameter')}",
        ),
        ("Peak of the process", data_size(report.peak_bytes)),
        ("Allocated by operators", f"{data_size(report.allocated_bytes)} over the sampled calls"),
    )
    return Facts("Memory", rows)


def _conditions(report: ProfileReport) -> Facts:
    sampled = f"{count(report.sampled_calls)} of {plural(report.root_calls, 'call')}"
    outside = f" ({share(report.outside_ms / report.wall_ms)} of the wall time)" if report.wall_ms > 0 else ""
    rows = [
        ("Sampled", f"{sampled}, operator by operator; the others were timed only"),
        *((("Steps", step_words(report.steps)),) if report.steps else ()),
        ("Outside the model", f"{duration(report.outside_ms)}{outside}"),
        (
            "Work of one call",
            flops(report.flops) + ", a multiply and an add counted as two" if report.flops else "–",
        ),
        ("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})"),
        ("Analysis", f"{duration(report.analysis_ms)} after the cell, not part of its time"),
    ]
    if len(report.roots) == 1:
        root = report.roots[0]
        rows.insert(
            1,
            (
                "Inputs",
                f"{', '.join(root.shapes[:4]) or '–'}, in {'training' if root.training else 'eval'} mode",
            ),
        )
    if remembered := sum(root.remembered_samples for root in report.roots):
        rows.append(("Remembered", f"{plural(remembered, 'sample')}, so that the next verbs need no inputs"))
    return Facts("Conditions", tuple(rows))


def explain(report: ProfileReport, hints: Hints | None = None) -> str:
    """Return the profile in plain sentences, lines to run as ``hints`` writes them."""
    sentences = [f"{report.subject} took {headline(report)}."]
    own = sorted(report.modules, key=lambda row: -row.self_ms)[:3]
    whole = sum(row.self_ms for row in report.modules)
    if own and whole > 0:
        named = ", ".join(f"{row.path or row.kind} ({row.kind}, {share(row.self_ms / whole)})" for row in own)
        sentences.append(f"Most of the model's time is in {named}.")
    whole = sum(phase.total_ms for phase in report.phases)
    if whole > 0:
        parts = [f"{PHASES[one.name]} {share(one.total_ms / whole)}" for one in report.phases if one.total_ms > 0]
        sentences.append(f"The wall time by phase: {', '.join(parts)}.")
    if report.steps:
        sentences.append(f"It ran {step_words(report.steps)}.")
    for one in report.findings:
        words = [f"{one.title}: {one.evidence}"]
        words += [expected_words(one.expected)] if one.expected else []
        words += [tried_words(one.tried)] if one.tried else []
        line = (hints or Hints()).line(one)
        words += [f"Try: {line}"] if line else []
        sentences.append(" ".join(words))
    return "\n".join(sentences)

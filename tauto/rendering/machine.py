"""The page of a :class:`~tauto.reports.MachineReport`."""

from __future__ import annotations

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Mark, Note, Row, Table, cell
from tauto.rendering.numbers import data_size, number, plural
from tauto.reports import Ceiling, MachineReport

__all__ = ["document", "explain", "headline"]

_COLUMNS = (Column("Resource"), Column("Measured", number=True))


def headline(report: MachineReport) -> str:
    """Return the machine in one line."""
    return f"{report.name}: {plural(report.cores, 'usable core')}, {data_size(report.memory_bytes)} of memory"


def document(report: MachineReport) -> Document:
    """Return the page."""
    facts = (
        ("Device", report.device),
        ("Usable cores", str(report.cores)),
        ("Usable memory", data_size(report.memory_bytes)),
        ("Instruction sets", ", ".join(report.instruction_sets) or "none that matter here"),
        ("Fingerprint", report.fingerprint),
    )
    blocks: list[Block] = [Facts("What it has", facts)]
    if report.ceilings:
        blocks.append(_ceilings(report.ceilings))
    else:
        blocks.append(Note("Its ceilings have not been measured yet; the first profile does so, in seconds."))
    return Document("This machine", headline(report), tuple(blocks))


def _ceilings(ceilings: tuple[Ceiling, ...]) -> Table:
    tops = {one.unit: max(other.value for other in ceilings if other.unit == one.unit) for one in ceilings}
    rows = tuple(
        Row((cell(one.resource), Cell(f"{number(one.value)} {one.unit}", Mark(one.value, tops[one.unit]))))
        for one in ceilings
    )
    return Table("Ceilings: the most that was measured on it", _COLUMNS, rows, more="resources", bars_in_text=True)


def explain(report: MachineReport) -> str:
    """Return the machine in plain sentences."""
    sets = ", ".join(report.instruction_sets) or "none of the instruction sets that matter"
    tops = "; ".join(f"{one.resource} at {number(one.value)} {one.unit}" for one in report.ceilings)
    measured = f"The most that was measured: {tops}." if tops else "Its ceilings have not been measured yet."
    return f"{headline(report)}. It has {sets}. {measured}"

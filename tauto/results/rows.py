"""A profile's rows for other tools: CSV, and a pandas DataFrame."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from tauto.errors import InvalidArgument, MissingDependency, did_you_mean
from tauto.reports import ModuleRow, ProfileReport
from tauto.results.tables import csv_text

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["csv_of", "dataframe", "rows_of"]

_KINDS = ("modules", "operators", "phases", "lines", "findings", "roots", "ceilings", "memory")


def rows_of(report: ProfileReport, kind: str) -> list[dict[str, Any]]:
    """Return the rows of one kind as plain data, nested parts with dotted names.

    Raises
    ------
    InvalidArgument
        When there is no such kind, or memory was not traced.
    """
    if kind not in _KINDS:
        raise InvalidArgument(
            f"rows: {kind!r} is none of {', '.join(_KINDS)}. {did_you_mean(str(kind), _KINDS)}".rstrip()
        )
    if kind == "memory":
        return _moments(report)
    rows = [asdict(row) for row in getattr(report, kind)]
    for row in rows if kind == "modules" else ():
        del row["operators"]  # each operator would be a column
    return [_flat(row) for row in rows]


def _moments(report: ProfileReport) -> list[dict[str, Any]]:
    timeline = report.memory
    if timeline is None:
        raise InvalidArgument("rows: this profile has no memory over time, as nothing was traced.")
    return [
        {"time_ms": time, **{f"{name}_bytes": values[index] for name, values in timeline.categories.items()}}
        for index, time in enumerate(timeline.times_ms)
    ]


def _flat(row: dict[str, Any], lead: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{lead}{name}.")
        else:
            found[lead + name] = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return found


def csv_of(report: ProfileReport, kind: str = "modules") -> str:
    """Return the rows of one kind as CSV with a heading; a text that a spreadsheet would run gets an apostrophe."""
    rows = rows_of(report, kind)
    names = list(dict.fromkeys(name for row in rows for name in row)) or [
        one.name for one in fields(ModuleRow) if one.name != "operators"
    ]
    return csv_text(rows, names)


def dataframe(report: ProfileReport, kind: str) -> DataFrame:
    """Return the rows of one kind as a DataFrame.

    Raises
    ------
    InvalidArgument
        When there is no such kind of rows.
    MissingDependency
        When pandas is not installed.
    """
    rows = rows_of(report, kind)
    try:
        from pandas import DataFrame
    except ImportError:
        raise MissingDependency("DataFrames need pandas, which is not installed. Run: pip install pandas") from None
    return DataFrame(rows)

"""The JSON form of a report, made small enough to travel in a notebook."""

from __future__ import annotations

import json
from typing import Any

from tauto.reports import Report

__all__ = ["LIMIT_BYTES", "bounded"]

LIMIT_BYTES = 1_000_000
_STEPS = ((10_000, 20_000), (2_500, 5_000), (1_500, 3_500), (600, 2_000), (150, 1_000), (40, 400), (10, 200), (4, 80))

_FIGURES = 64
"""Plain numbers up to which a list stays whole."""


def bounded(report: Report, limit: int = LIMIT_BYTES) -> dict[str, Any]:
    """Return ``report.to_dict()``, cut to under ``limit`` bytes of JSON.

    Of long tables the largest rows stay, in their order, and long strings are cut; ``left_out`` then says how many
    entries of each table are missing, such as ``{"modules": 46000}``. It is still a report of its kind.
    """
    whole = report.to_dict()
    data = whole
    for items, letters in _STEPS:
        if _size(data) < limit:
            break
        left_out: dict[str, int] = {}
        data = _cut(whole, items, letters, "", left_out)
        data["left_out"] = left_out
    return data


def _size(data: dict[str, Any]) -> int:
    return len(json.dumps(data, allow_nan=False, ensure_ascii=True))


def _cut(value: Any, items: int, letters: int, path: str, left_out: dict[str, int]) -> Any:
    if isinstance(value, str):
        return value if len(value) <= letters else value[: letters - 1] + "…"
    if isinstance(value, dict):
        # a report has few fields, a user's configuration may have many
        kept = list(value.items())[: max(items, 40)]
        inner = f"{path}." if path else ""
        return {key[:letters]: _cut(item, items, letters, f"{inner}{key[:40]}", left_out) for key, item in kept}
    if isinstance(value, list) and len(value) <= _FIGURES and all(isinstance(item, int | float) for item in value):
        return value  # a histogram or a shape: a part of it would be another one
    if isinstance(value, list):
        chosen = _largest(value, items)
        if len(chosen) < len(value):
            left_out[path] = left_out.get(path, 0) + len(value) - len(chosen)
        return [_cut(item, items, letters, path, left_out) for item in chosen]
    return value


def _largest(rows: list[Any], items: int) -> list[Any]:
    if len(rows) <= items:
        return rows
    ranked = sorted(range(len(rows)), key=lambda index: (-_weight(rows[index]), index))[:items]
    return [rows[index] for index in sorted(ranked)]


def _weight(row: Any) -> float:
    """Return what a row is ranked by: its time, the size of a parameter, or for a trial whether it was kept."""
    if not isinstance(row, dict):
        return 0.0
    if row.get("status") == "kept":
        return float("inf")
    time = row.get("total_ms", row.get("elements", 0.0))
    return float(time) if isinstance(time, int | float) else 0.0

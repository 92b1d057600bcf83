"""Float32 where this machine is faster in fewer bits."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import (
    amdahl,
    called,
    line_for,
    model_name,
    model_share,
    python_for,
    top_row,
    worth,
)
from tauto.profiling.findings.overhead import small_share
from tauto.profiling.fixes import fix, fix_line, recipe_fix
from tauto.reports.profile import Finding, Fix, Gain, ModuleRow, ProfileReport

__all__ = ["faster_precision"]

FASTER = 1.5
"""Ceiling of a precision over that of float32, from which on it is worth a word."""


def faster_precision(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find float32 arithmetic where this machine is faster in fewer bits."""
    base = facts.gflops.get("float32")
    rates = {name: rate for name, rate in facts.gflops.items() if base and rate >= FASTER * base}
    if not rates or base is None:
        return
    ceilings = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    for index, root in called(facts):
        row = top_row(report, index)
        if row is None or row.bound != "compute" or root.precision != "float32" or root.opaque:
            continue
        half = next((name for name in ("bfloat16", "float16") if name in rates), None)
        if half is None and (facts.trains or "int8" not in rates):
            continue
        gain = _gain(report, facts, index, row, rates[half] / base) if half else _unknown()
        if not worth(gain):
            continue
        yield Finding(
            "faster_precision",
            f"{root.title} computes in float32, where this machine is faster in fewer bits",
            f"{row.flops / row.calls / 1e9:.3g} GFLOP a call in float32, {row.share_of_ceiling or 0:.0%} of its "
            f"ceiling. Ceilings measured here, in GFLOP/s: float32 {base:,.0f}, {ceilings}.",
            fix_line("faster_precision") if half else line_for("quantize", root),
            _python(report, facts, root, half),
            cause="precision",
            expected=gain,
            fix=_fix(report, facts, root, half),
        )


def _gain(report: ProfileReport, facts: Facts, index: int, row: ModuleRow, factor: float) -> Gain:
    """The measured factor on the products alone where there is one, else between what the ceilings allow."""
    reach, measured = model_share(report, facts, index), facts.roots[index].bfloat16_gain
    if measured is not None:
        products = 1 - small_share(report)
        return Gain(
            amdahl(reach * products, max(measured, 1e-3)),
            None,
            f"its heaviest products are {measured:.1f} × as fast in bfloat16, measured here; products take "
            f"{products:.0%} of operator time",
        )
    least, most = amdahl(reach * (row.share_of_ceiling or 0.0), factor), amdahl(reach, factor)
    return Gain(
        math.sqrt(least * most),
        None,
        f"between {least:.1f} × (only what runs at float32's ceiling gains) and {most:.1f} × (all of it gains); the "
        "geometric mean of both",
    )


def _unknown() -> Gain:
    return Gain(None, None, "what int8 brings depends on the engine; the line measures it")


def _python(report: ProfileReport, facts: Facts, root: RootFacts, half: str | None) -> str:
    if half is None:
        return python_for("quantize", root)
    if not facts.trains:
        return f"{model_name(root)} = {model_name(root)}.to(torch.{half})  # and its inputs"
    device = report.device.partition(":")[0]
    return f"with torch.autocast({device!r}, dtype=torch.{half}):\n    {model_name(root)}(...)"


def _fix(report: ProfileReport, facts: Facts, root: RootFacts, half: str | None) -> Fix | None:
    if half is None:
        return None
    if facts.trains:
        return fix("autocast", root.name, device=report.device.partition(":")[0], dtype=half)
    return recipe_fix(root.name, half)

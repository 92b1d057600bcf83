"""Reports of weights, scaling and summaries made by hand."""

from __future__ import annotations

import math

from tauto.reports import (
    Footprint,
    Growth,
    Latency,
    Report,
    ScalePoint,
    ScaleSeries,
    ScalingReport,
    SizeLeftOut,
    SkippedWeight,
    SummaryReport,
    TopModule,
    WeightRow,
    WeightsReport,
)


def weights(name: str = "net") -> WeightsReport:
    bins = tuple(range(40))
    row = WeightRow(
        f"{name}.weight", name, "float32", (16, 9), 144, 1, -1.0, 9.0, 0.1, 0.4, 3.2, 2, 0.1, (0.1, 0.2), 0.08, bins,
        16, 2, 15.2, math.inf, (name,),
    )  # fmt: skip
    empty = WeightRow(
        name, name, "bfloat16", (4,), 4, 4, 0.0, 0.0, 0.0, 0.0, None, 0, 0.0, (0.0, 0.0), None, (0,) * 40, None, 0,
        None, None,
    )  # fmt: skip
    return WeightsReport(name, 148, 592, (0.001, 0.01), (row, empty), (SkippedWeight(name, name, "quantized"),))


def scaling(name: str = "net") -> ScalingReport:
    points = tuple(
        ScalePoint(n, Latency(0.1 * n, 0.2 * n, 50, 5, 1e4, 0.09 * n), 1000 * n if n < 8 else None, 64 * n)
        for n in (1, 2, 4, 8)
    )
    growths = (
        Growth("time", "n", 0.998, 1.02, {"1": 0.1, "n": 0.9}, ("n log n",)),
        Growth("memory", None, None, None, reason="3 sizes are too few to tell (from 4 on)"),
    )
    series = ScaleSeries(name, points, growths, 8, 4, False)
    left = (SizeLeftOut((16, 32), f"from 16 on the model refuses; its own error: {name}"),)
    return ScalingReport(
        name, "batch=1..32", "batch", (f"{name}.0",), "samples", (series, series), left, (name,), (name,), name,
        "4f2a", "cpu", 2, 60.0, 12.0,
    )  # fmt: skip


def footprint(name: str = "net") -> Footprint:
    return Footprint(name, 4000, 100, 5000, 900, 40, None, "no parameter requires a gradient")


def summary(name: str = "net") -> SummaryReport:
    latency = Latency(0.4, 0.5, 100, 5, 2500.0, 0.39)
    top = (TopModule("", name, 0.5), TopModule(name, name, 0.3))
    return SummaryReport(
        name, latency, 10**6, (name,), 2.5, "float32", None, 1000, 4000, footprint(name), top, (name,), name, "4f2a",
        "cpu", 2,
    )  # fmt: skip


def grown(name: str = "net") -> tuple[Report, ...]:
    """One of each."""
    return weights(name), scaling(name), footprint(name), summary(name)

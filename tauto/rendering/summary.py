"""The page of a :class:`~tauto.reports.SummaryReport`: a model in a few lines."""

from __future__ import annotations

from tauto.rendering.document import Document, Facts
from tauto.rendering.numbers import data_size, duration, flops, number, plural, rate, share
from tauto.reports import SummaryReport

__all__ = ["document", "explain", "headline"]


def headline(report: SummaryReport) -> str:
    """Return the model in one line."""
    return (
        f"{duration(report.latency.p50_ms)} a call, {flops(report.flops)}, "
        f"{plural(report.parameters, 'parameter')}, {data_size(report.footprint.peak_bytes)} at its peak"
    )


def document(report: SummaryReport) -> Document:
    """Return the page."""
    latency, held = report.latency, report.footprint
    top = ", ".join(f"{one.path or 'the model itself'} ({one.kind}) {share(one.share)}" for one in report.top)
    missing = f"; not counted: {', '.join(report.uncounted[:3])}" if report.uncounted else ""
    rows = (
        (
            "Latency",
            f"p50 {duration(latency.p50_ms)}, p95 {duration(latency.p95_ms)}, {rate(latency.throughput_per_s)}",
        ),
        ("Work", f"{flops(report.flops)} a call, {_speed(report)}{missing}"),
        ("Weights", f"{plural(report.parameters, 'parameter')}, {data_size(report.size_bytes)} to ship"),
        (
            "Memory",
            f"{data_size(held.steady_bytes)} held, {data_size(held.activation_bytes)} of activations at the peak",
        ),
        ("Most time in", top or "–"),
        ("Inputs", ", ".join(report.shapes[:4])),
        ("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})"),
    )
    return Document(f"{report.name} in brief", headline(report), (Facts("One call", rows),))


def _speed(report: SummaryReport) -> str:
    achieved = f"{number(report.gflops_per_s)} GFLOP/s"
    if report.share_of_ceiling is None:
        return achieved
    return f"{achieved}: {share(report.share_of_ceiling)} of this machine's {report.precision} ceiling"


def explain(report: SummaryReport) -> str:
    """Return the summary in plain sentences."""
    top = report.top[0] if report.top else None
    most = f" Most time is in {top.path or 'the model itself'} ({share(top.share)})." if top else ""
    return f"{report.name}: {headline(report)}. It reaches {_speed(report)}.{most}".replace("  ", " ")

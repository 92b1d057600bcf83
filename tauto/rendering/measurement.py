"""The page of a :class:`~tauto.reports.Measurement`."""

from __future__ import annotations

from tauto.rendering.document import Document, Facts
from tauto.rendering.numbers import count, data_size, duration, plural, rate
from tauto.reports import Measurement

__all__ = ["document", "explain", "headline"]


def headline(report: Measurement) -> str:
    """Return the measurement in one line."""
    latency = report.latency
    return (
        f"{duration(latency.p50_ms)} a call (median), {rate(latency.throughput_per_s)}, {data_size(report.size_bytes)}"
    )


def document(report: Measurement) -> Document:
    """Return the page."""
    latency, memory = report.latency, report.memory
    rows = [
        ("Latency, median (p50)", duration(latency.p50_ms)),
        ("Latency, 95th percentile (p95)", duration(latency.p95_ms)),
        ("Timed", f"{plural(latency.calls, 'call')} in {plural(latency.blocks, 'block')}"),
        ("Throughput, samples", rate(latency.throughput_per_s)),
        ("Size to ship", data_size(report.size_bytes)),
        ("Parameters", count(report.parameters)),
        ("Memory, steady", data_size(memory.steady_bytes)),
        ("Memory, peak while preparing", data_size(memory.peak_preparing_bytes)),
    ]
    if memory.reason:
        rows.append(("Memory", memory.reason))
    return Document(f"Measurement of {report.name}", headline(report), (Facts("Measured here", tuple(rows)),))


def explain(report: Measurement) -> str:
    """Return the measurement in plain sentences."""
    latency = report.latency
    return (
        f"{report.name} takes {duration(latency.p50_ms)} a call in the median and {duration(latency.p95_ms)} "
        f"at the 95th percentile, over {plural(latency.calls, 'timed call')}. "
        f"It has {plural(report.parameters, 'parameter')} and ships {data_size(report.size_bytes)}."
    )

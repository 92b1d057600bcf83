"""The page of a :class:`~tauto.reports.ScalingReport`: how time, memory and work grow with size."""

from __future__ import annotations

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Mark, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import data_size, duration, flops, number, plural, rate, seconds, share
from tauto.reports import Growth, ScalePoint, ScaleSeries, ScalingReport

__all__ = ["document", "explain", "growth_words", "headline"]

_QUANTITIES = {"time": "Time", "memory": "Memory", "flops": "Work"}
_GROWTHS = (
    Column("Quantity"),
    Column("Grows as"),
    *numeric("Fit (R²)", "Exponent at the top"),
    Column("Made of, at the largest size"),
)


def headline(report: ScalingReport) -> str:
    """Return in one line how it grows."""
    parts = []
    for one in report.series:
        grown = [f"{_QUANTITIES[growth.quantity].lower()} {growth_words(growth)}" for growth in one.growths]
        said = ", ".join(grown[:3])
        parts.append(f"{one.name}: {said}" if one.name else said)
    words = (
        f"With {report.dimension}: {'; '.join(parts)}" if any(parts) else f"{report.dimension}: nothing was measured"
    )
    best = report.series[0].best if report.series else None
    if report.dimension == "batch" and best is not None:
        words += f"; best batch {best:,}" + (" so far" if report.series[0].still_rising else "")
    return words


def growth_words(growth: Growth) -> str:
    """Return a growth in words, such as ``as n²`` or ``as n or n log n``."""
    if growth.order is None:
        return "cannot be told"
    names = [growth.order, *growth.rivals]
    if growth.order == "1" and not growth.rivals:
        return "does not grow"
    return f"as {' or '.join(names)}"


def _doubt(growth: Growth) -> str:
    """Say why there is no order, or that the sizes do not tell which."""
    if growth.reason:
        return f": {growth.reason}"
    return ": these sizes do not tell which" if growth.rivals else ""


def document(report: ScalingReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    for one in report.series:
        blocks += [_points(report, one), _growths(one), Facts(_titled("Throughput", one), _throughput(report, one))]
    blocks += [
        Facts("Not measured", tuple((_sizes(left.sizes, left.series), left.reason) for left in report.left_out)),
        _conditions(report),
    ]
    if report.uncounted:
        blocks.append(Note(f"FLOPs of these operators are not counted: {', '.join(report.uncounted[:8])}."))
    return Document(f"{report.model} against {report.dimension}", headline(report), tuple(blocks))


def _titled(title: str, one: ScaleSeries) -> str:
    return f"{title}, {one.name}" if one.name else title


def _sizes(sizes: tuple[int, ...], series: str) -> str:
    words = ", ".join(f"{size:,}" for size in sizes[:6]) + (", …" if len(sizes) > 6 else "")
    return f"{words} ({series})" if series else words


def _points(report: ScalingReport, one: ScaleSeries) -> Table:
    columns = (
        *numeric(report.dimension, "Time, median", "p5–p95", f"{report.unit.capitalize()} a second"),
        *numeric("Memory of a call", "FLOPs", "GFLOP/s"),
    )
    top = max((point.latency.throughput_per_s for point in one.points), default=0.0)
    rows = tuple(_point(point, top) for point in one.points)
    caption = _titled("Measured", one)
    return Table(caption, columns, rows, more="sizes", limit=64, bars_in_text=True)


def _point(point: ScalePoint, top: float) -> Row:
    latency = point.latency
    per_s = latency.throughput_per_s
    speed = None if point.flops is None else point.flops / latency.p50_ms / 1e6
    cells = (
        cell(f"{point.size:,}"),
        Cell(duration(latency.p50_ms)),
        Cell(f"{duration(latency.p05_ms)} – {duration(latency.p95_ms)}"),
        Cell(rate(per_s), Mark(per_s, top)),
        Cell(data_size(point.peak_bytes)),
        Cell(flops(point.flops)),
        Cell(number(speed)),
    )
    return Row(cells, weight=point.size)


def _growths(one: ScaleSeries) -> Table:
    rows = []
    for growth in one.growths:
        made = ", ".join(
            f"{share(part)} {'constant' if order == '1' else order}"
            for order, part in growth.shares.items()
            if part >= 0.001
        )
        cells = (
            cell(_QUANTITIES[growth.quantity]),
            cell(growth_words(growth) + _doubt(growth)),
            Cell(number(growth.r_squared, 4)),
            Cell(number(growth.exponent)),
            cell(made or "–"),
        )
        rows.append(Row(cells))
    return Table(_titled("Order of growth", one), _GROWTHS, tuple(rows), more="quantities")


def _throughput(report: ScalingReport, one: ScaleSeries) -> tuple[tuple[str, str], ...]:
    if one.best is None or len(one.points) < 2:
        return ()
    best = next(point for point in one.points if point.size == one.best)
    name = "Best batch size" if report.dimension == "batch" else "Most a second"
    more = "; it still rises: larger sizes may bring more" if one.still_rising else ""
    rows = [(name, f"{one.best:,}, with {rate(best.latency.throughput_per_s)} {report.unit}{more}")]
    if one.knee is not None and not one.still_rising:
        rows.append(("Knee", f"{one.knee:,} reaches nine tenths of it"))
    return tuple(rows)


def _conditions(report: ScalingReport) -> Facts:
    rows = (
        ("Scaled", ", ".join(report.dimensions[:6]) or report.dimension),
        ("Inputs given", ", ".join(report.shapes[:4])),
        ("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})"),
        ("Took", f"{seconds(report.wall_s)} of at most {seconds(report.budget_s)}"),
        ("Work, memory", "counted in one traced call; time is the median of interleaved blocks"),
    )
    return Facts("Conditions", rows)


def explain(report: ScalingReport) -> str:
    """Return the scaling in plain sentences."""
    lines = [f"{report.model}, {report.scale}. {headline(report)}."]
    for one in report.series:
        for growth in one.growths:
            if growth.order is None:
                lines.append(f"{_QUANTITIES[growth.quantity]}: {growth.reason}.")
            elif growth.exponent is not None:
                lines.append(
                    f"{_titled(_QUANTITIES[growth.quantity], one)} {growth_words(growth)}{_doubt(growth)}, R² "
                    f"{number(growth.r_squared, 4)}; over the largest sizes as n to the {number(growth.exponent)}."
                )
    lines += [f"Not measured: {_sizes(left.sizes, left.series)}: {left.reason}" for left in report.left_out]
    return "\n".join(lines)

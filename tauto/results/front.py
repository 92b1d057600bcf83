"""The candidates of a search that no other beats in everything."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.reports import Comparison, TrialReport, TuningReport

__all__ = ["ORIGINAL", "Point", "pareto_front"]


@dataclass(frozen=True, slots=True)
class Point:
    """One way to run the model, against the original.

    Parameters
    ----------
    number : int or None
        Of the trial; None for the original.
    title : str
        Its recipe.
    speedup : float
        Latency of the original over its own.
    size_ratio : float
        Of the original's bytes.
    memory_ratio : float or None
        Of the original's memory; None where it was not measured.
    lost : float
        The largest drop of the metrics in their unit, else the relative error of the outputs; 0 for the original.
    held : bool or None
        Whether the quality rule holds; None where nothing judged it.
    """

    number: int | None
    title: str
    speedup: float
    size_ratio: float
    memory_ratio: float | None
    lost: float
    held: bool | None


ORIGINAL = Point(None, "the original", 1.0, 1.0, 1.0, 0.0, True)


def pareto_front(report: TuningReport) -> tuple[Point, ...]:
    """Return what no other measured way beats in latency, size, memory and quality at once, the fastest first.

    The original is one of the ways. Of two that are alike in all, the earlier stays. Memory counts where both sides
    are known.

    Examples
    --------
    >>> [(point.title, point.speedup) for point in result.front]  # doctest: +SKIP
    [('openvino(int8)', 2.86), ('the original', 1.0)]
    """
    points = [ORIGINAL]
    points += [_point(trial, trial.comparison) for trial in report.trials if trial.comparison is not None]
    front = [
        one
        for index, one in enumerate(points)
        if not any(_beats(other, one, earlier=at < index) for at, other in enumerate(points) if at != index)
    ]
    return tuple(sorted(front, key=lambda point: -point.speedup))


def _point(trial: TrialReport, compared: Comparison) -> Point:
    lost = compared.quality_drop
    if lost is None:
        lost = compared.agreement.relative_error if compared.agreement is not None else 0.0
    return Point(
        number=trial.number,
        title=trial.recipe.title,
        speedup=compared.speedup,
        size_ratio=compared.size_ratio,
        memory_ratio=compared.memory_ratio,
        lost=max(lost, 0.0),
        held=compared.quality_held,
    )


def _beats(one: Point, other: Point, earlier: bool) -> bool:
    """Whether ``one`` is nowhere worse and somewhere better; or alike in all, and the earlier."""
    pairs = [(-one.speedup, -other.speedup), (one.size_ratio, other.size_ratio), (one.lost, other.lost)]
    if one.memory_ratio is not None and other.memory_ratio is not None:
        pairs.append((one.memory_ratio, other.memory_ratio))
    if any(mine > its for mine, its in pairs):
        return False
    return any(mine < its for mine, its in pairs) or earlier

"""Matplotlib figures of reports. Matplotlib is optional, imported at use, and its global state is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tauto.config import Settings
from tauto.errors import InvalidArgument, MissingDependency
from tauto.rendering import (
    comparison,
    decoding,
    fitting,
    profile,
    profile_comparison,
    scaling,
    sensitivity,
    study,
    tuning,
    weights,
)
from tauto.rendering.document import clean
from tauto.rendering.figures_dark import darken
from tauto.rendering.figures_decoding import draw_decoding
from tauto.rendering.figures_fitting import draw_fitting
from tauto.rendering.figures_growth import draw_histogram, draw_scaling, largest_weights
from tauto.rendering.figures_layers import LINES, draw_layers
from tauto.rendering.figures_profile import draw_changes, draw_panel, panels_of, rows_of
from tauto.rendering.figures_sensitivity import draw_sensitivity
from tauto.rendering.figures_study import draw_study
from tauto.rendering.figures_study import panels_of as study_panels
from tauto.rendering.figures_tuning import draw_panels, draw_weights, parts_of, weights_height
from tauto.rendering.figures_tuning import panels_of as tuning_panels
from tauto.reports import (
    Comparison,
    DecodingReport,
    DistillationReport,
    FittingReport,
    LayersReport,
    ProfileComparison,
    ProfileReport,
    Report,
    ScalingReport,
    SensitivityReport,
    StudyReport,
    TuningReport,
    WeightsReport,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure"]

_BLUE = "#4c8bd6"
_GREY = "#8a8f98"
_ROWS = 20


def figure(report: Report, what: str | None = None) -> Figure:
    """Return a figure of ``report``: where time and memory go, before and after, or the speedup of each trial.

    Parameters
    ----------
    report : Report
        What is drawn.
    what : str, optional
        The one panel that is drawn; default all for which there are figures. Of a profile ``modules``, ``phases``,
        ``memory`` or ``roofline``; of a search ``trials``, ``layers``, ``weights``, ``zeros`` or ``channels``; of a
        distillation ``training`` or ``weights``; of a study ``history``, ``importance``, ``coordinates`` or ``front``.

    Raises
    ------
    MissingDependency
        When matplotlib is not installed.
    InvalidArgument
        When there is nothing to draw of this kind of report.
    """
    made = _drawn(report, what)
    if Settings.current().figures == "dark":
        darken(made)
    return made


def _drawn(report: Report, what: str | None) -> Figure:
    if isinstance(report, ProfileReport):
        return _profile(report, what)
    if isinstance(report, ProfileComparison):
        made, axes = _figure(min(len(report.modules), _ROWS), f"What moved: {profile_comparison.headline(report)}")
        draw_changes(axes, report)
        return made
    if isinstance(report, Comparison):
        return _comparison(report)
    if isinstance(report, LayersReport):
        made, axes = _figure(
            min(len(report.rows) + 1, LINES), f"{report.optimized} against {report.original}: error by layer"
        )
        draw_layers(axes, report.rows, report.output)
        return made
    if isinstance(report, TuningReport):
        return _tuning(report, what)
    if isinstance(report, SensitivityReport):
        made, axes = _figure(
            min(len(report.rows), LINES), f"{report.model} in int{report.bits}. {sensitivity.headline(report)}"
        )
        draw_sensitivity(axes, report)
        return made
    if isinstance(report, StudyReport):
        return _study(report, what)
    if isinstance(report, WeightsReport):
        return _weights(report)
    if isinstance(report, ScalingReport):
        return _scaling(report)
    if isinstance(report, DistillationReport):
        return _distillation(report, what)
    if isinstance(report, DecodingReport):
        made, axes = _figure(10, f"Decoding of {report.model}. {decoding.headline(report)}")
        draw_decoding(axes, report)
        return made
    if isinstance(report, FittingReport):
        made, axes = _figure(8, f"Training of {report.model}. {fitting.headline(report)}")
        draw_fitting(axes, report)
        return made
    raise InvalidArgument(
        f"report: there is no figure of a {report.kind} report; there is one of what profile, compare, autotune, tune "
        "and analyze_weight_distribution return."
    )


def _empty(size: tuple[float, float]) -> Figure:
    try:
        import matplotlib.figure  # noqa: F401 - the next one needs it, and may be loaded already

        from tauto.rendering.shown_figure import ShownFigure
    except ImportError:
        raise MissingDependency(
            "Figures need matplotlib, which is not installed. Run: pip install 'tauto[notebook]'"
        ) from None
    return ShownFigure(figsize=size, layout="constrained")


def _figure(rows: int, title: str) -> tuple[Figure, Axes]:
    made = _empty((8, 1.4 + 0.32 * max(rows, 3)))
    axes = made.add_subplot()
    axes.set_title(_name(title, 90), loc="left", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    return made, axes


def _name(text: str, length: int = 44) -> str:
    # a dollar sign would start a formula
    return clean(text, length).replace("$", r"\$")


def _profile(report: ProfileReport, what: str | None) -> Figure:
    panels = panels_of(report, what)
    columns = min(len(panels), 2)
    grid = [panels[index : index + columns] for index in range(0, len(panels), columns)]
    heights = [1.2 + 0.32 * max(*(rows_of(report, panel) for panel in row), 3) for row in grid]
    made = _empty((8 * columns, 0.4 + sum(heights)))
    made.suptitle(
        _name(f"Profile of {report.subject}: {profile.headline(report)}", 110 * columns - 20), fontsize="medium"
    )
    places = made.add_gridspec(len(grid), columns, height_ratios=heights)
    for number, row in enumerate(grid):
        for column, panel in enumerate(row):
            axes = made.add_subplot(places[number, column if len(row) == columns else slice(None)])
            axes.spines[["top", "right"]].set_visible(False)
            draw_panel(axes, report, panel)
    return made


def _comparison(report: Comparison) -> Figure:
    one, other = report.original, report.optimized
    pairs = [
        ("Latency, p50", one.latency.p50_ms, other.latency.p50_ms),
        ("Latency, p95", one.latency.p95_ms, other.latency.p95_ms),
        ("Size", one.size_bytes, other.size_bytes),
        ("Memory, steady", one.memory.steady_bytes, other.memory.steady_bytes),
        *((quality.metric, quality.original, quality.optimized) for quality in report.quality[:4]),
    ]
    shown = [(name, after / before) for name, before, after in pairs if before and before > 0 and after is not None]
    made, axes = _figure(len(shown), f"{other.name} against {one.name}. {comparison.headline(report)}")
    places = range(len(shown))
    bars = axes.barh(places, [part for _, part in shown], color=_BLUE)
    axes.bar_label(bars, [f"{part:.0%}" for _, part in shown], padding=3)
    axes.axvline(1, color=_GREY, linestyle="--")
    axes.set_yticks(places, [_name(name) for name, _ in shown])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("optimized, as a share of the original (dashed: the same)")
    return made


def _tuning(report: TuningReport, what: str | None) -> Figure:
    panels = tuning_panels(report, what)
    lead = f"{report.verb} of {report.model}. {tuning.headline(report)}"
    return draw_panels(lambda height: _empty((8, height)), report, panels, _name(lead, 90))


def _study(report: StudyReport, what: str | None) -> Figure:
    panels = study_panels(report, what)
    made = _empty((8, 3.4 * max(len(panels), 1)))
    made.suptitle(_name(f"Study {report.name}. {study.headline(report)}", 90), fontsize="medium", x=0.01, ha="left")
    for place, panel in enumerate(panels, start=1):
        axes = made.add_subplot(len(panels), 1, place)
        axes.spines[["top", "right"]].set_visible(False)
        draw_study(axes, report, panel)
    return made


def _distillation(report: DistillationReport, what: str | None) -> Figure:
    known = {"training": True, "weights": bool(report.pictures)}
    if what is not None and not known.get(what, False):
        there = ", ".join(repr(name) for name, drawn in known.items() if drawn)
        raise InvalidArgument(f"what: there is no figure of {what!r} here. Write {there}, or leave it out.")
    panels = [name for name, drawn in known.items() if drawn and what in (None, name)]
    heights = [4.0 if name == "training" else weights_height(report.pictures) for name in panels]
    made = _empty((8, sum(heights)))
    for part, name in zip(parts_of(made, heights), panels, strict=True):
        if name == "weights":
            draw_weights(part, report.pictures, _name(f"{report.student}, as it was given and as it was taught", 90))
            continue
        axes, course = part.add_subplot(), report.training
        title = _name(f"Training of {course.model}. {fitting.headline(course)}", 90)
        axes.set_title(title, loc="left", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
        draw_fitting(axes, course)
    return made


def _weights(report: WeightsReport) -> Figure:
    rows = largest_weights(report)
    columns = min(max(len(rows), 1), 4)
    lines = max(-(-len(rows) // columns), 1)
    made = _empty((3 * columns, 0.6 + 1.9 * lines))
    made.suptitle(_name(f"Weights of {report.model}: {weights.headline(report)}", 30 * columns), fontsize="medium")
    for index, row in enumerate(rows, start=1):
        draw_histogram(made.add_subplot(lines, columns, index), row)
    return made


def _scaling(report: ScalingReport) -> Figure:
    made = _empty((12, 4))
    made.suptitle(_name(f"{report.model}. {scaling.headline(report)}", 130), fontsize="medium")
    draw_scaling([made.add_subplot(1, 3, index) for index in (1, 2, 3)], report)
    return made

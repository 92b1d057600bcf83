"""The ways to compile, the recipes that they are, and what is told beside their speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tauto.errors import InvalidArgument, did_you_mean
from tauto.events import Progress, emit
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import Compilation, GraphBreak, Interval, NotTried, ShapeTrial, TrialReport, TuningReport
from tauto.techniques import technique
from tauto.techniques.engines.compilation import CompileConfig, Mode
from tauto.techniques.engines.compiled import Shapes
from tauto.techniques.engines.dynamo import UserLine
from tauto.tuning.bench import Bench
from tauto.tuning.budget import Budget
from tauto.tuning.space import Space
from tauto.workload import Workload

__all__ = ["MODES", "Look", "check_way", "compiled_space", "told"]

MODES = ("auto", "default", "freezing", "reduce-overhead", "max-autotune")
"""``freezing``: weights are constants; ``reduce-overhead``: CUDA graphs; ``max-autotune``: kernels are tried."""
LOOK_SHARE = 0.25
"""Of the time left that looking at the model may take."""
LEAST_LOOK_S = 30.0
"""What importing the compiler takes on a busy machine; a small budget gives half of it at most."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A configuration of the compiler, and what a user calls it."""

    mode: str
    freezing: bool
    setting: Mode | None
    devices: tuple[str, ...]


_WAYS = (
    _Way("freezing", True, None, ("cpu", "cuda")),
    _Way("reduce-overhead", False, "reduce-overhead", ("cuda",)),
    _Way("default", False, None, ("cpu", "cuda")),
    _Way("max-autotune", True, "max-autotune", ("cpu",)),
    _Way("max-autotune", False, "max-autotune", ("cuda",)),
)
_NO_GRAPHS = "reduce-overhead replays CUDA graphs, and the model runs on the CPU"


def check_way(mode: str, dynamic: bool | None) -> None:
    """Say so when there is no such mode, or ``dynamic`` is neither yes, no nor to be chosen.

    Raises
    ------
    InvalidArgument
        With what there is.
    """
    if mode not in MODES:
        raise InvalidArgument(f"mode: there is no {mode!r}. {did_you_mean(str(mode), MODES)}".rstrip())
    if dynamic is not None and not isinstance(dynamic, bool):
        raise InvalidArgument(f"dynamic: {dynamic!r} is neither True nor False. Leave it out to have it chosen.")


@dataclass(slots=True)
class Look:
    """What is seen of the model in a process of its own, once the original was measured."""

    budget: Budget
    seen: dict[str, Any] = field(default_factory=dict)
    cache: Path | None = None

    def __call__(self, bench: Bench) -> None:
        """Trace the model on ``bench``; a failure is told and ends nothing."""
        emit(Progress("compile", "tracing the model: graphs, breaks, a second shape", 0.05))
        self.cache = bench.cache
        limit_s = min(0.5 * self.budget.left_s, max(LEAST_LOOK_S, LOOK_SHARE * self.budget.left_s))
        outcome = bench.ask("tauto.tuning.compiler_look:look", limit_s)
        if outcome.failure is not None:
            self.seen = {"failure": f"tracing it in a process of its own did not end well: {outcome.failure.reason}"}
        else:
            self.seen = outcome.result

    def avoids(self) -> bool:
        """Return whether ``dynamic=True`` takes the second shape without compiling again."""
        found = next((one for one in self.seen.get("shapes", ()) if one["dynamic"] == "yes"), None)
        return found is None or not (found["failure"] or found["recompiled"])


def compiled_space(workload: Workload, hardware: Hardware, mode: str, dynamic: bool | None, look: Look) -> Space:
    """Return the recipes to try, most promising first.

    Where ``dynamic`` is to be chosen, calls of several shapes in the data ask for code that takes them all; one
    candidate of the other kind is tried for the price. Else the example's shapes count, and the other kind comes last.
    """
    item = technique("compile")
    if not (answer := item.applies_to(workload, hardware)).applies:
        return Space((), (NotTried(item.name, answer.reason, answer.remedy),))
    chosen = [way for way in _WAYS if mode in ("auto", way.mode) and hardware.device in way.devices]
    not_tried: tuple[NotTried, ...] = ()
    if mode in ("auto", "reduce-overhead") and hardware.device == "cpu":
        not_tried = (NotTried("compile (reduce-overhead)", _NO_GRAPHS, ""),)
    varying: Shapes = "dynamic" if look.avoids() or dynamic else "any"
    wanted = varying if dynamic or (dynamic is None and varies(workload)) else "example"
    recipes = [_recipe(way, wanted) for way in chosen]
    if dynamic is None and chosen:
        recipes.append(_recipe(chosen[0], "example" if wanted != "example" else varying))
    if dynamic is None and wanted != "example":
        return Space(tuple(recipes), not_tried, prefers=lambda recipe: _config(recipe).shapes != "example")
    return Space(tuple(recipes), not_tried)


def varies(workload: Workload) -> bool:
    """Return whether the samples are of several shapes."""
    return any(call.shapes != workload.example.shapes for call in workload.samples)


def _recipe(way: _Way, shapes: Shapes) -> Recipe:
    return Recipe.of(("compile", CompileConfig(way.freezing, shapes, way.setting)))


def _config(recipe: Recipe) -> CompileConfig:
    config = recipe.steps[0].config
    if not isinstance(config, CompileConfig):
        raise TypeError(f"{recipe.title} does not compile")
    return config


def told(report: TuningReport, workload: Workload, look: Look, asked: bool | None) -> Compilation:
    """Return what is told of the model and its shapes beside the trials of ``report``."""
    seen = look.seen
    price, interval = _price(report.trials)
    winner = next((trial for trial in report.trials if trial.number == report.winner), None)
    return Compilation(
        graphs=seen.get("graphs"),
        breaks=tuple(map(_break, seen.get("breaks", ()))),
        failure=seen.get("failure", "" if seen else "the search ended before it was looked at"),
        first_shapes=workload.example.shapes,
        second_shapes=tuple(seen.get("second_shapes", ())),
        second_from=seen.get("second_from", "none"),
        second_missing=seen.get("second_missing", ""),
        shapes=tuple(map(_shape, seen.get("shapes", ()))),
        varies=varies(workload),
        asked=asked,
        dynamic=None if winner is None else _settings(winner)["shapes"] != "example",
        price=price,
        price_interval=interval,
        cache=_named(look.cache) if look.cache else "",
        cache_bytes=_bytes_in(look.cache) if look.cache else 0,
    )


def _shape(found: dict[str, Any]) -> ShapeTrial:
    return ShapeTrial(**{**found, **{name: tuple(found.get(name, ())) for name in ("guards", "restless")}})


def _break(found: dict[str, Any]) -> GraphBreak:
    line = UserLine(*found["line"]) if found["line"] else None
    return GraphBreak(
        place=line.place if line else "",
        code=line.code if line else "",
        reason=found["reason"],
        advice=found["advice"],
        whole_function=found["whole_function"],
    )


def _settings(trial: TrialReport) -> dict[str, Any]:
    return dict(trial.recipe.steps[0].config)


def _price(trials: Sequence[TrialReport]) -> tuple[float | None, Interval | None]:
    """Return the time of code for varying sizes over that of code for the example's, of the same way to compile."""
    for fixed, varying in _pairs([trial for trial in trials if trial.comparison is not None]):
        one, other = fixed.comparison, varying.comparison
        if one is None or other is None or not other.speedup:
            continue
        low = one.speedup_interval.low / other.speedup_interval.high
        high = one.speedup_interval.high / max(other.speedup_interval.low, 1e-9)
        return one.speedup / other.speedup, Interval(low, high)
    return None, None


def _pairs(trials: Sequence[TrialReport]) -> Iterator[tuple[TrialReport, TrialReport]]:
    for fixed in trials:
        for varying in trials:
            one, other = _settings(fixed), _settings(varying)
            alike = all(one[key] == other[key] for key in ("freezing", "mode"))
            if alike and one["shapes"] == "example" != other["shapes"]:
                yield fixed, varying


def _named(folder: Path) -> str:
    """Return the folder as it is written in a report: below the user's own as ``~``."""
    try:
        return f"~/{folder.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(folder)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

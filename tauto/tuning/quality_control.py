"""Layers go back to floating point until the quality holds, and then as many as can be are won back.

It works on recipes and on what was measured of them, so that any technique whose configuration has ``keep`` is
controlled, on any module. The order of the layers comes from :mod:`tauto.tuning.sensitivity`; how many are needed at
first, from the sum of the noise that they make. The scheme is that of ``nncf.quantize_with_accuracy_control``
(greedy, ranked anew when it gets worse), with doubling and bisecting in place of one layer at a time: each attempt
here is a trial, in isolation and timed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from tauto.errors import TautoError
from tauto.events import Progress, emit
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import ControlReport, ControlStep, KeptLayer, SensitivityReport, TrialReport
from tauto.tuning.bench import Baseline
from tauto.tuning.budget import Budget
from tauto.tuning.fake_quantization import Scheme
from tauto.tuning.int8_kernels import int8_notes
from tauto.tuning.int8_layers import keeps_layers, quantizes, quantizing_step, scheme_of, with_kept
from tauto.tuning.losses import Loss, loss_of
from tauto.tuning.objective import Goal
from tauto.tuning.quantizable import quantizable_layers
from tauto.tuning.sensitivity import Sensitivity, damage
from tauto.tuning.space import Space
from tauto.workload import Workload

__all__ = ["MOST_BASES", "QualityControl", "controlled", "needed", "resisting"]

_NAMED = 3
MOST_BASES = 3
"""Recipes that are controlled, at most."""
ANALYSIS_SHARE = 0.2
"""Share of the time left that ranking the layers may take."""
ANALYSIS_S = 30.0
LITTLE = 0.01
"""Share of the work, and of the bytes, below which layers are not worth a trial to win them back."""

_Steps = Generator[Recipe, TrialReport, None]


@dataclass(slots=True)
class _Control:
    """One recipe under control."""

    base: TrialReport
    recipe: Recipe
    ranked: list[str] = field(default_factory=list)
    """The layers that it quantizes, the most harmful first."""
    noise: dict[str, float] = field(default_factory=dict)
    weight: dict[str, float] = field(default_factory=dict)
    """The larger of each layer's shares of the work and of the bytes: what int8 is worth there."""
    found: dict[str, KeptLayer] = field(default_factory=dict)
    steps: list[ControlStep] = field(default_factory=list)
    best: tuple[str, ...] | None = None
    """The smallest set that holds."""
    best_trial: int | None = None
    nearest: tuple[float, tuple[str, ...], int] | None = None
    reranked: int = 0
    samples: int = 0
    reason: str = ""
    analysis: Sensitivity | None = None


class QualityControl:
    """Proposes recipes that lose less, as the ``follow`` of a :class:`~tauto.tuning.Space`.

    Parameters
    ----------
    workload : Workload
        What is quantized; copies of its model are run to rank the layers.
    recipes : sequence of Recipe
        Those of the space, in its order.
    goal : Goal
        Says which of the recipes that lose too much would be worth having.
    budget : Budget
        Of the search.
    sensitivity : SensitivityReport, optional
        An analysis made before: its order is used, and nothing is analysed until that proves wrong.

    Attributes
    ----------
    noise : float
        By how much the metric moves by itself, in its unit; a loss that grows by less is no growth.
    """

    def __init__(
        self,
        workload: Workload,
        recipes: Sequence[Recipe],
        goal: Goal,
        budget: Budget,
        *,
        sensitivity: SensitivityReport | None = None,
    ) -> None:
        self.workload = workload
        self.recipes = list(recipes)
        self.goal = goal
        self.budget = budget
        self.given = sensitivity
        self._known = {Scheme(sensitivity.bits, sensitivity.activations): sensitivity} if sensitivity else {}
        self.noise = 0.0
        self._controls: list[_Control] = []
        self._trials: Sequence[TrialReport] = ()
        self._steps: _Steps | None = None

    def follow(self, trials: Sequence[TrialReport]) -> Recipe | None:
        """Return what to try after these trials; None when nothing is left that could help."""
        self._trials = trials
        try:
            if self._steps is None:
                self._steps = self._all()
                return next(self._steps)
            return self._steps.send(trials[-1])
        except StopIteration:
            return None

    def reports(self) -> tuple[ControlReport, ...]:
        """Return what came of each recipe that was controlled."""
        return tuple(map(_report, self._controls))

    def learn(self, baseline: Baseline) -> None:
        """Take over how much the original's own figures move."""
        again, metrics = baseline.again or {}, baseline.metrics or {}
        judged = self.workload.rule.judged(metrics) if metrics else []
        self.noise = max((abs(again[name] - metrics[name]) for name in judged if name in again), default=0.0)

    def known(self, recipe: Recipe) -> dict[str, KeptLayer]:
        """Return what was measured of the layers of ``recipe``, by name."""
        base = with_kept(recipe, ())
        for control in self._controls:
            if control.recipe == base:
                return control.found
        return _rows(self.given)[0] if self.given is not None else {}

    def _all(self) -> _Steps:
        for base in self._bases():
            if len(self._controls) == MOST_BASES:
                return
            if self._promises(base):
                control = _Control(base, self.recipes[base.number])
                self._controls.append(control)
                yield from self._controlled(control)
                control.analysis = None  # it holds a copy of the model

    def _bases(self) -> list[TrialReport]:
        """Return the trials that lost too much and can be told to keep layers, the most promising first."""
        found = []
        for trial in self._trials[: len(self.recipes)]:
            step = quantizing_step(self.recipes[trial.number])
            loss = loss_of(trial)
            if step is not None and keeps_layers(step) and loss is not None and not loss.held:
                found.append(trial)
        return sorted(found, key=lambda trial: -self._worth(trial))

    def _worth(self, trial: TrialReport) -> float:
        # what was rejected by its outputs was not timed: it comes last
        return self.goal.gain(trial.comparison) if trial.comparison else 0.0

    def _promises(self, base: TrialReport) -> bool:
        """Return whether ``base`` would be better than what was found, if only its quality held."""
        if base.comparison is not None:
            as_if = dataclasses.replace(base.comparison, quality_held=True)
            if not self.goal.decide(as_if).improves:
                return False
        best = max((self._worth(trial) for trial in self._trials if self._improves(trial)), default=None)
        return best is None or self._worth(base) > 1.02 * best

    def _improves(self, trial: TrialReport) -> bool:
        return trial.comparison is not None and self.goal.decide(trial.comparison).improves

    def _controlled(self, control: _Control) -> _Steps:
        try:
            self._rank(control)
        except TautoError as error:
            control.reason = f"its layers could not be ranked: {error}"
            return
        if len(control.ranked) < 2:
            control.reason = "it quantizes a single layer, so that nothing would be left of it"
            return
        first = loss_of(control.base)
        if first is None:
            return
        yield from self._return_to_float(control, first)
        if control.best is not None:
            yield from self._win_back(control)

    def _return_to_float(self, control: _Control, before: Loss) -> _Steps:
        """Keep more and more of the worst layers in floating point until the quality holds."""
        count = needed(control.ranked, control.noise, before.remaining)
        while True:
            count = min(count, len(control.ranked) - 1)
            keep = tuple(control.ranked[:count])
            loss = self._seen(control, keep, (yield self._with(control, keep)))
            if loss is None or loss.held:
                return
            if count == len(control.ranked) - 1:
                control.reason = "even with a single layer left in int8 the quality does not hold"
                return
            if loss.excess > before.excess + self.noise:
                self._rank_again(control, keep)
            before, count = loss, 2 * count

    def _win_back(self, control: _Control) -> _Steps:
        """Quantize kept layers again, halves and halves of halves, the least harmful first, where it still holds."""
        held = list(control.best or ())
        groups = _halves(held[::-1])
        while groups:
            group = groups.pop(0)
            keep = tuple(path for path in held if path not in group)
            little = sum(control.weight.get(path, 0.0) for path in group) < LITTLE
            if little:
                continue
            if keep:  # with none kept it is the base, which does not hold
                loss = self._seen(control, keep, (yield self._with(control, keep)))
                if loss is None:
                    return
                if loss.held:
                    held = list(keep)
                    continue
            groups = _halves(group) + groups

    def _with(self, control: _Control, keep: tuple[str, ...]) -> Recipe:
        # in the model's order: one set, one recipe
        order = [path for path in self._order(control) if path in keep]
        return with_kept(control.recipe, tuple(order))

    def _order(self, control: _Control) -> list[str]:
        return [name for name, _ in self.workload.model.named_modules() if name in control.found]

    def _seen(self, control: _Control, keep: tuple[str, ...], trial: TrialReport) -> Loss | None:
        """Note what came of a trial; None when it could not be measured."""
        loss = loss_of(trial)
        drop, allowed, held = (loss.drop, loss.allowed, loss.held) if loss else (None, None, None)
        control.steps.append(ControlStep(trial.number, len(keep), drop, allowed, held))
        if loss is None:
            control.reason = f"with {len(keep)} of its layers kept it could not be measured: {trial.reason}"
        elif loss.held and (control.best is None or len(keep) <= len(control.best)):
            control.best, control.best_trial = keep, trial.number
        elif not loss.held and (control.nearest is None or loss.excess < control.nearest[0]):
            control.nearest = loss.excess, keep, trial.number
        return loss

    def _rank(self, control: _Control) -> None:
        """Find out which layers hurt most when quantized as this recipe does."""
        step = quantizing_step(control.recipe)
        if step is None:
            return
        chosen = quantizes(step)
        mine = {layer.path for layer in quantizable_layers(self.workload.model)[0] if chosen(layer)}
        scheme = scheme_of(step)
        if (report := self._known.get(scheme) or self._given_for(scheme)) is None:
            emit(Progress("quantize", f"which layers of {control.recipe.title} hurt most", None, self.budget.left_s))
            hardware = Hardware.current(self.workload.device.type)
            report = self._known[scheme] = self._analysis(control).report(hardware, estimate=False)
        control.samples = report.samples
        control.found, control.noise, control.weight = _rows(report, mine)
        control.ranked = list(control.found)

    def _given_for(self, scheme: Scheme) -> SensitivityReport | None:
        """Return the analysis that was given, where it tells of this scheme: weights alone say nothing of inputs."""
        given = self.given
        if given is None or given.bits != scheme.bits or "none" in (given.activations, scheme.activations):
            return None
        return given

    def _analysis(self, control: _Control) -> Sensitivity:
        if control.analysis is None:
            step = quantizing_step(control.recipe)
            limit = min(ANALYSIS_S, ANALYSIS_SHARE * self.budget.left_s)
            # the outputs tell the order; evaluate is the trials' business
            quiet = dataclasses.replace(self.workload, evaluate=None)
            control.analysis = Sensitivity(quiet, scheme_of(step), Budget(limit))  # type: ignore[arg-type]
            control.analysis.run()
            if control.analysis.interrupted:
                raise KeyboardInterrupt
        return control.analysis

    def _rank_again(self, control: _Control, kept: tuple[str, ...]) -> None:
        """Order the rest by what returning each brings when all others are quantized: alone they told it wrong."""
        rest = [path for path in control.ranked if path not in kept]
        left: dict[str, float] = {}
        try:
            analysis = self._analysis(control)
            clock = Budget(min(ANALYSIS_S, ANALYSIS_SHARE * self.budget.left_s))
            for path in rest:
                if clock.left_s == 0:
                    break
                left[path] = damage(analysis.error_with([other for other in rest if other != path]))
        except TautoError:  # the order stays as it was; the trials go on
            return
        control.ranked = [*kept, *sorted(left, key=lambda path: left[path]), *(one for one in rest if one not in left)]
        control.reranked += 1


def controlled(
    space: Space,
    workload: Workload,
    hardware: Hardware,
    goal: Goal,
    budget: Budget,
    sensitivity: SensitivityReport | None = None,
) -> Space:
    """Return ``space`` with quality control behind its recipes, and what is known of int8 before any work.

    Parameters
    ----------
    space : Space
        Recipes that quantize.
    workload, hardware, goal, budget
        Of the search.
    sensitivity : SensitivityReport, optional
        An analysis made before, as by :func:`tauto.sensitivity`.
    """
    control = QualityControl(workload, space.recipes, goal, budget, sensitivity=sensitivity)
    steps = [step for recipe in space.recipes if (step := quantizing_step(recipe))]
    rounds = {scheme_of(step).activations for step in steps} or {"static", "dynamic"}
    before = int8_notes(workload.model, hardware, rounds)
    if before:
        subjects = ", ".join(note.subject if note.layers else f"this {note.subject}" for note in before)
        emit(Progress("quantize", f"int8 is not expected to be faster for: {subjects}", 0.0, budget.left_s))
    return dataclasses.replace(space, follow=control.follow, control=control, before=before)


def needed(ranked: Sequence[str], noise: dict[str, float], remaining: float) -> int:
    """Return how many of the worst layers must go so that at most this share of all noise remains; at least one.

    The noise of layers adds up in power where it is independent, which is the usual assumption and a rough one.

    Examples
    --------
    >>> needed(["a", "b", "c"], {"a": 0.9, "b": 0.06, "c": 0.04}, 0.1)
    1
    """
    total = sum(noise.get(path, 0.0) for path in ranked)
    left = total
    for count, path in enumerate(ranked, start=1):
        left -= noise.get(path, 0.0)
        if left <= remaining * total:
            return count
    return 1


def resisting(controls: Sequence[ControlReport]) -> str:
    """Return which layers resist, as the end of a sentence; empty when nothing was controlled, or some of it holds."""
    unmet = [control for control in controls if not control.met and control.steps]
    if not unmet or any(control.met for control in controls):
        return ""
    control = next((one for one in unmet if one.kept), unmet[0])
    if not control.kept:
        return f"; and with layers kept in floating point nothing could be judged ({control.reason})"
    names = ", ".join(layer.path for layer in control.kept[:_NAMED])
    more = f" and {len(control.kept) - _NAMED} more" if len(control.kept) > _NAMED else ""
    return f"; even with {names}{more} in floating point it does not hold ({control.reason})"


def _halves(group: Sequence[str]) -> list[tuple[str, ...]]:
    middle = (len(group) + 1) // 2
    return [tuple(half) for half in (group[:middle], group[middle:]) if half and len(half) < len(group)]


def _rows(
    report: SensitivityReport, only: set[str] | None = None
) -> tuple[dict[str, KeptLayer], dict[str, float], dict[str, float]]:
    """Return the layers in their order, their noise and what each is worth."""
    rows = [row for row in report.rows if only is None or row.path in only]
    found, noise, weight = {}, {}, {}
    for row in rows:
        drop = max((one.drop for one in row.quality), default=None)
        found[row.path] = KeptLayer(row.path, row.kind, row.error.snr_db if row.error else None, drop)
        noise[row.path] = damage(row.error or row.own)
        weight[row.path] = max(row.work_share or 0.0, row.size_bytes / max(report.size_bytes, 1))
    return found, noise, weight


def _report(control: _Control) -> ControlReport:
    met = control.best is not None
    nearest = control.nearest
    paths: Sequence[str] = control.best or (nearest[1] if nearest else ())
    return ControlReport(
        base=control.recipe.title,
        base_trial=control.base.number,
        met=met,
        trial=control.best_trial if met else nearest[2] if nearest else None,
        kept=tuple(control.found[path] for path in control.found if path in paths),
        layers=len(control.found),
        steps=tuple(control.steps),
        reranked=control.reranked,
        samples=control.samples,
        reason="" if met else control.reason or "the budget left no time for more",
    )

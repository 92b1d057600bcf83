"""Which legal recipe to try next: Optuna proposes, by what was measured, as long as one may still win."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import TrialReport
from tauto.techniques import Family, Technique
from tauto.tuning.earlier import earlier_winners
from tauto.tuning.objective import Factors, Goal
from tauto.tuning.outlook import Outlook
from tauto.tuning.rules import expected_effort, expected_speedup
from tauto.tuning.space import Space, Takes, legal_space
from tauto.tuning.traits import traits_of
from tauto.workload import Workload

if TYPE_CHECKING:
    import optuna

__all__ = ["CANNOT_WIN", "Proposals", "proposing_space"]

CANNOT_WIN = "by what its steps brought to others it could not beat the best by more than the interval"
_ORIGINAL = Factors(1.0, 1.0, 1.0)
_EARLIER = 2
"""So many winners of earlier runs are tried first."""
_STARTED = 4
"""Trials after which the sampler looks at what they brought."""


Choose = Callable[[str, list[str]], str]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One choice on the way to a recipe."""

    name: str
    options: list[str]
    taken: str


@dataclass(slots=True)
class Proposals:
    """Proposes the next recipe by what was measured so far.

    The sampler (Optuna's TPE, with its constraints) chooses the engine first and then a step of each other family among
    those that a legal recipe has beside what was chosen: a forbidden combination cannot be met.

    Parameters
    ----------
    recipes : sequence of Recipe
        Every legal one, most promising first.
    goal : Goal
        What is to become better, and what has to be kept to.
    seed : int
        Of the sampler.
    """

    recipes: Sequence[Recipe]
    goal: Goal
    seed: int = 0
    _study: optuna.Study | None = field(init=False, default=None)
    _told: int = field(init=False, default=0)

    def __call__(self, trials: Sequence[TrialReport]) -> Recipe | None:
        """Return the next to try; None when nothing untried may win."""
        left = {one.digest: one for one, reason in self.rest(trials) if not reason}
        if len(left) < 2:
            return next(iter(left.values()), None)
        study = self._heard(trials)
        asked = study.ask()
        proposed, _ = self._way(left, asked.suggest_categorical)
        study.tell(asked, state=_failed())  # its outcome is told as a trial of its own
        return proposed

    def rest(self, trials: Sequence[TrialReport]) -> list[tuple[Recipe, str]]:
        """Return what was not tried, each with the reason why it cannot win, or with none where it may."""
        tried = {trial.recipe.digest for trial in trials}
        known = {one.digest: one for one in self.recipes}
        measured = [
            (known[trial.recipe.digest], self.goal.factors(trial.comparison), self.goal.excess(trial) <= 0)
            for trial in trials
            if trial.comparison is not None and trial.recipe.digest in known
        ]
        legal = [gain for _, gain, is_legal in measured if is_legal]
        best = max(legal, key=lambda gain: gain.certain, default=_ORIGINAL)
        bar = max(best, _ORIGINAL, key=lambda gain: gain.certain).possible
        outlook = Outlook([(recipe, gain.measured) for recipe, gain, _ in measured])
        return [
            (one, "" if outlook.bound(one) > bar else CANNOT_WIN) for one in self.recipes if one.digest not in tried
        ]

    def _way(self, wanted: Iterable[str], choose: Choose | None = None) -> tuple[Recipe, list[_Choice]]:
        """Return the recipe among those of the digests ``wanted`` that the choices lead to, and the choices.

        ``choose(name, options)`` is asked where there are several; where nothing wanted lies that way, the rules' order
        decides. A choice is named by its engine and its options: what was learned of it counts wherever it comes again.
        """
        legal, choices, engine = list(self.recipes), list[_Choice](), ""
        wanted = set(wanted)
        for family in sorted(get_args(Family), key=lambda name: name != "engine"):
            options = list(dict.fromkeys(_step(recipe, family) for recipe in legal))
            ways = [_step(recipe, family) for recipe in legal if recipe.digest in wanted]
            one = ways[0]
            if len(options) > 1:
                name = f"{engine}{family}: {' | '.join(options)}"
                if choose is not None and (chosen := choose(name, options)) in ways:
                    one = chosen
                choices.append(_Choice(name, options, one))
            legal = [recipe for recipe in legal if _step(recipe, family) == one]
            engine = engine or f"{one}, "
        return legal[0], choices

    def _heard(self, trials: Sequence[TrialReport]) -> optuna.Study:
        """Return the study, which was told of all trials."""
        import optuna

        if self._study is None:
            self._study = _study_of(self.seed)
        known = {one.digest for one in self.recipes}
        ended = [trial for trial in trials if trial.status != "skipped"]  # not what is under way beside this one
        for trial in ended[self._told :]:
            if trial.recipe.digest not in known:
                continue
            _, choices = self._way([trial.recipe.digest])
            value = self.goal.gain(trial.comparison) if trial.comparison is not None else 0.0
            self._study.add_trial(
                optuna.trial.create_trial(
                    value=value if math.isfinite(value) else 0.0,
                    params={choice.name: choice.taken for choice in choices},
                    distributions={
                        choice.name: optuna.distributions.CategoricalDistribution(choice.options) for choice in choices
                    },
                    constraints={"excess": self.goal.excess(trial)},
                )
            )
        self._told = len(ended)
        return self._study


def _step(recipe: Recipe, family: Family) -> str:
    return next((str(step) for step in recipe.steps if step.technique.family == family), f"no {family}")


def _study_of(seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # one choice at a time, by the trials that had it: choices depend on one another
    sampler = optuna.samplers.TPESampler(n_startup_trials=_STARTED, multivariate=False, seed=seed)
    return optuna.create_study(direction="maximize", sampler=sampler)


def _failed() -> optuna.trial.TrialState:
    import optuna

    return optuna.trial.TrialState.FAIL


def proposing_space(
    workload: Workload,
    hardware: Hardware,
    chosen: Collection[Technique],
    goal: Goal,
    takes: Takes = lambda recipe: True,
) -> Space:
    """Return the legal recipes as a search that goes by what is measured.

    First comes what earlier runs on this machine found for models of this kind, then the most promising of each
    engine and of each change of the architecture, by the rules, and what is quickly tried before what takes long; from
    there on Optuna proposes, until nothing that is left may win.

    Parameters
    ----------
    workload : Workload
        What is optimized.
    hardware : Hardware
        Its instruction sets say what applies; its ceilings only order.
    chosen : collection of Technique
        From :func:`tauto.tuning.space.chosen_techniques`.
    goal : Goal
        What is to become better.
    takes : callable
        Leaves out recipes that are none for the machine that they are meant for.
    """
    space = legal_space(workload, hardware, chosen, takes)
    legal = {recipe.digest: recipe for recipe in space.recipes}
    found = earlier_winners(hardware.fingerprint, traits_of(workload).words, workload.name)
    known = dict(itertools.islice(((digest, words) for digest, words in found.items() if digest in legal), _EARLIER))
    kinds: dict[object, str] = {}
    for digest, recipe in legal.items():
        kinds.setdefault(recipe.structure or recipe.engine, digest)
    traits, batch = traits_of(workload), workload.example.batch

    def worth(digest: str) -> float:
        gains = expected_speedup(legal[digest], traits, hardware, batch)
        return math.prod(gains) / expected_effort(legal[digest])

    first = dict.fromkeys([*known, *sorted(kinds.values(), key=worth, reverse=True)])
    proposals = Proposals(space.recipes, goal)
    recipes = tuple(legal[digest] for digest in first)
    return Space(recipes, space.not_tried, proposals, rest=proposals.rest, notes=known)

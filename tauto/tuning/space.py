"""The legal recipes for a workload on this hardware, most promising first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

from tauto.errors import InvalidArgument, RecipeError, did_you_mean
from tauto.hardware import Hardware
from tauto.recipes import Recipe, Step
from tauto.reports import ControlReport, KeptLayer, KernelNote, NotTried, TrialReport
from tauto.techniques import STRUCTURAL, Family, Technique, techniques
from tauto.tuning.bench import Baseline
from tauto.tuning.rules import expected_speedup
from tauto.tuning.traits import traits_of
from tauto.workload import Workload

__all__ = ["Control", "Follow", "Space", "Takes", "chosen_techniques", "legal_space"]

Follow = Callable[[Sequence[TrialReport]], Recipe | None]
"""What to try after these trials; None when nothing is left."""
Takes = Callable[[Recipe], bool]
"""Whether a recipe is one for the machine that it is meant for."""
Rest = Callable[[Sequence[TrialReport]], Sequence[tuple[Recipe, str]]]


class Control(Protocol):
    """What adapts recipes to the quality, and tells what it did."""

    def learn(self, baseline: Baseline) -> None:
        """Take over how much the original's own figures move."""

    def reports(self) -> tuple[ControlReport, ...]:
        """Return what came of each recipe that was controlled."""

    def known(self, recipe: Recipe) -> Mapping[str, KeptLayer]:
        """Return what was measured of the layers of ``recipe``, by name."""


@dataclass(frozen=True, slots=True)
class Space:
    """Recipes to try, in order, and what will not be tried, with the reason."""

    recipes: tuple[Recipe, ...]
    not_tried: tuple[NotTried, ...]
    follow: Follow | None = None
    """Proposes what comes after them, by what was measured so far."""
    before: tuple[KernelNote, ...] = ()
    """What is not expected to become faster, told before any work."""
    control: Control | None = None
    """What proposes recipes that lose less; it stands behind ``follow``."""
    rest: Rest = lambda trials: ()
    """What was not tried of all that is legal, each with why it cannot win, or nothing where it might."""
    prefers: Callable[[Recipe], bool] = lambda recipe: True
    """Which of those that improve are taken before the others, whatever their gain."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """By a recipe's digest, why it is tried early."""
    expected: Mapping[str, float] = field(default_factory=dict)
    """By a recipe's digest, the speedup expected on a machine that is not at hand: the first that holds the quality is
    taken."""


def legal_space(
    workload: Workload, hardware: Hardware, chosen: Collection[Technique], takes: Takes = lambda recipe: True
) -> Space:
    """Return the legal recipes for ``workload`` on ``hardware``, most promising first, kinds before variations.

    Every step of a recipe of several must be expected to add something in the company of the others; each
    configured technique alone is always among them.

    Parameters
    ----------
    workload : Workload
        What is optimized.
    hardware : Hardware
        Its instruction sets say what applies; its ceilings only order.
    chosen : collection of Technique
        From :func:`chosen_techniques`.
    takes : callable
        Leaves out recipes that are none for the machine that they are meant for.
    """
    options, not_tried = _configured(chosen, workload, hardware)
    traits, batch = traits_of(workload), workload.example.batch
    scored: list[tuple[float, int, Recipe]] = []
    for recipe in filter(takes, _legal(options)):
        gains = expected_speedup(recipe, traits, hardware, batch)
        if len(gains) == 1 or min(gains) > 1.0:
            scored.append((math.prod(gains), len(gains), recipe))
    scored.sort(key=lambda row: (-row[0], row[1]))
    return Space(tuple(_spread([recipe for *_, recipe in scored])), tuple(not_tried))


def _spread(recipes: list[Recipe]) -> Iterator[Recipe]:
    """Yield the best recipe of each engine, then the second best of each: kinds before variations of one kind."""
    groups: dict[Step | None, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(recipe.engine, []).append(recipe)
    for round_ in itertools.zip_longest(*groups.values()):
        yield from (recipe for recipe in round_ if recipe is not None)


def chosen_techniques(
    only: Collection[str] = (), without: Collection[str] = (), *, structural: bool = False
) -> list[Technique]:
    """Return the techniques allowed; those that change the architecture where ``only`` names them, or all are wanted.

    Parameters
    ----------
    only, without : collection of str
        Names of techniques.
    structural : bool
        Where ``only`` names none, those that change the architecture to be faster are allowed, too.

    Raises
    ------
    InvalidArgument
        When ``only`` or ``without`` name an unknown technique, or leave nothing.
    """
    known = {item.name: item for item in techniques()}
    only, without = ([names] if isinstance(names, str) else names for names in (only, without))
    for argument, names in (("only", only), ("without", without)):
        for name in names:
            if name not in known:
                hint = did_you_mean(name, known)
                raise InvalidArgument(f"{argument}: there is no technique {name!r}. {hint}".rstrip())
    if both := [name for name in only if name in without]:
        raise InvalidArgument(f"without: {both[0]!r} stands in only, too. Name it in one of the two.")
    wanted = set(only) or {
        name for name, item in known.items() if item.family not in STRUCTURAL or (structural and item.faster)
    }
    chosen = [item for name, item in known.items() if name in wanted and name not in without]
    if not chosen:
        raise InvalidArgument("without: no technique is left to try. Leave out fewer.")
    return chosen


def _configured(
    chosen: Collection[Technique], workload: Workload, hardware: Hardware
) -> tuple[dict[Family, list[Step]], list[NotTried]]:
    """Return the steps that can be tried of each family, and the techniques that cannot, with the reason."""
    options: dict[Family, list[Step]] = {family: [] for family in get_args(Family)}
    not_tried = []
    for item in chosen:
        for answer in (item.missing(), item.applies_to(workload, hardware)):
            if not answer.applies:
                not_tried.append(NotTried(item.name, answer.reason, answer.remedy))
                break
        else:
            options[item.family] += [Step(item.name, config) for config in item.space(workload, hardware)]
    return options, not_tried


def _legal(options: dict[Family, list[Step]]) -> Iterator[Recipe]:
    """Yield each legal choice of at most one step a family; the families stand in their order."""
    for choice in itertools.product(*([None, *steps] for steps in options.values())):
        steps = tuple(step for step in choice if step is not None)
        if not steps:
            continue
        try:
            yield Recipe(steps)
        except RecipeError:
            continue

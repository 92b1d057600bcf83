"""How good a recipe can still turn out, by what its steps brought to others: what cannot win need not be tried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tauto.recipes import Recipe, Step

__all__ = ["Outlook"]

_Steps = frozenset[Step]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What measured recipes say of others.

    A recipe is at most as good as a measured one whose steps are among its own, times the most that each further step
    was seen to bring in the company of the same engine; a loss is not counted on. A step that was never seen there may
    bring anything: only measuring rejects.

    Parameters
    ----------
    measured : sequence of (Recipe, float)
        Gains over the original, as factors.

    Examples
    --------
    >>> alone = Recipe.of("fold_batchnorm"), Recipe.of("channels_last")
    >>> both = Recipe.of("fold_batchnorm", "channels_last")
    >>> round(Outlook([(alone[0], 1.1), (alone[1], 1.5)]).bound(both), 2)
    1.65
    """

    measured: Sequence[tuple[Recipe, float]]

    def bound(self, recipe: Recipe) -> float:
        """Return the largest gain that ``recipe`` may have; infinite where something in it was not seen."""
        steps = frozenset(recipe.steps)
        known = self._known(recipe.engine)
        brought = _brought(known)
        return min(
            (
                gain * math.prod(max(1.0, brought.get(step, math.inf)) for step in steps - have)
                for have, gain in known.items()
                if have <= steps
            ),
            default=math.inf,
        )

    def _known(self, engine: Step | None) -> dict[_Steps, float]:
        """Return the gains of what was measured in this engine, by its steps; of nothing at all where there is none."""
        name = engine and engine.name
        alike = {
            frozenset(made.steps): gain for made, gain in self.measured if (made.engine and made.engine.name) == name
        }
        return alike if engine else {frozenset(): 1.0, **alike}


def _brought(known: dict[_Steps, float]) -> dict[Step, float]:
    """Return the most that each step was seen to bring to a recipe that was measured without it, too."""
    most: dict[Step, float] = {}
    for steps, gain in known.items():
        for step in steps:
            without = known.get(steps - {step})
            if without:
                most[step] = max(most.get(step, 0.0), gain / without)
    return most


def _kind(engine: Step | None) -> str:
    return engine.name if engine else ""

"""The search for the smallest share that reaches a measured target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tauto.recipes import Recipe
from tauto.reports import TrialReport
from tauto.tuning.target import Target

__all__ = ["RatioSearch", "is_trained"]

SMALLEST, LARGEST = 0.05, 0.95
STEP = 0.05
"""Shares nearer to each other than this are not told apart: widths are rounded, and timing has its noise."""
MOST_SCOUTS = 7
SPARE = 0.04
"""Of a timed target, a look is to reach so much more: what only just reaches it falls short the next time, or not."""
MARGIN = 0.05
"""A share that reaches no more than this beyond what it is to reach is taken as it is."""
MOST_FINALS = 4
MOST_FAILURES = 3
"""Looks that tell nothing, before the search is given up."""


def is_trained(recipe: Recipe) -> bool:
    """Return whether ``recipe`` trains after it cuts: it is taken before a look that held the quality by itself.

    The look was chosen among several by what judges, and loses more where nothing judged.
    """
    return any(getattr(step.config, "epochs", 0) > 0 for step in recipe.steps)


Make = Callable[[float, bool], Recipe]
"""Returns the recipe of a share, with all that follows the cut or, for a look at its speed alone, without."""


@dataclass(slots=True)
class RatioSearch:
    """Proposes recipes by what was measured; called as the ``follow`` of a :class:`~tauto.tuning.Space`.

    The share is found without training, since widths alone decide how fast a model is; then the ways to make a model of
    it are tried in their order until one holds the quality. A look that holds it ends nothing: training was asked for,
    and what just passes where it is judged loses more where it is not.

    Parameters
    ----------
    ways : sequence of callable
        ``way(share, whole) -> Recipe``. The first is the one whose share is searched.
    target : Target
        What is to be reached.
    trains : bool
        Whether a recipe without training is another one than the whole.
    is_too_small : callable
        Whether the reason of a trial that failed says that so small a share changes nothing. Of one that failed for
        another reason (a machine that stalls), nothing is learnt.
    """

    ways: Sequence[Make]
    target: Target
    trains: bool
    is_too_small: Callable[[str], bool] = lambda reason: False
    _asked: list[tuple[float, int | None]] = field(default_factory=list)
    """The share of each trial, and which way; None for a look alone."""

    def __call__(self, trials: Sequence[TrialReport]) -> Recipe | None:
        """Return what to try next; None when the target is reached, or cannot be."""
        done = list(zip(self._asked, trials, strict=False))
        if any(self._good(trial) for (_, way), trial in done if way is not None):
            return None
        if any(trial.comparison and self.target.already(trial.comparison) for _, trial in done):
            return None
        following = self._next_share([(share, trial) for (share, way), trial in done if way == self._looking])
        if following is not None:
            return self._ask(following, self._looking)
        return self._next_final(done)

    @property
    def _looking(self) -> int | None:
        """What stands in :attr:`_asked` for a look: where nothing is trained, the first way itself is one."""
        return None if self.trains else 0

    def _good(self, trial: TrialReport) -> bool:
        compared = trial.comparison
        return compared is not None and compared.quality_held is not False and self.target.met(compared)

    def _ask(self, share: float, way: int | None) -> Recipe | None:
        self._asked.append((share, way))
        return self.ways[way or 0](share, way is not None)

    def _next_share(self, looks: Sequence[tuple[float, TrialReport]]) -> float | None:
        """Return the next share to look at; None when the smallest that reaches the target is known, or none does."""
        known = [(share, self._reached(trial)) for share, trial in looks if self._tells(trial)]
        if len(looks) - len(known) >= MOST_FAILURES:
            return None
        if not known:
            return min(LARGEST, round(self._first() + STEP * len(looks), 2))
        short = max((share for share, reached in known if reached < self._wanted), default=0.0)
        enough = [(share, reached) for share, reached in known if reached >= self._wanted and share > short]
        if len(looks) >= MOST_SCOUTS or (not enough and short >= LARGEST - STEP / 2):
            return None
        if not enough:
            return min(LARGEST, round(self._beyond(known, short) + STEP * self._failed(looks, short), 2))
        share, reached = min(enough)
        between = round((share + short) / 2, 2)
        if share - short <= STEP or reached <= self._wanted + MARGIN or share <= SMALLEST or between in dict(looks):
            return None
        return between

    @property
    def _wanted(self) -> float:
        """How far a look is to come."""
        return 1 + SPARE if self.target.is_timed else 1.0

    def _tells(self, trial: TrialReport) -> bool:
        return trial.comparison is not None or self.is_too_small(trial.reason)

    def _failed(self, looks: Sequence[tuple[float, TrialReport]], beyond: float) -> int:
        """Return how many looks at a larger share told nothing: another one is asked for then."""
        return sum(share > beyond and not self._tells(trial) for share, trial in looks)

    def _first(self) -> float:
        wanted = self.target.value if self.target.kind == "speedup" else 2.0
        guess: float = round(1 - 1 / wanted**0.75, 2)
        return min(LARGEST, max(SMALLEST, guess))

    def _beyond(self, known: Sequence[tuple[float, float]], short: float) -> float:
        """Return a larger share, by the last one's distance from the target; the largest where two fell short."""
        if sum(value < self._wanted for _, value in known) > 1:
            return LARGEST
        reached = max((value for share, value in known if share == short and value > 0), default=0.5)
        left = (1 - short) * min(0.9, max(0.5, reached))
        return max(short + STEP, 1 - left)

    def _reached(self, trial: TrialReport) -> float:
        return self.target.reached(trial.comparison) if trial.comparison else 0.0

    def _next_final(self, done: Sequence[tuple[tuple[float, int | None], TrialReport]]) -> Recipe | None:
        """Return the whole recipe to try at the share that was found, with the next way or a little more."""
        looks = {share: trial for (share, way), trial in done if way == self._looking and self._met(trial)}
        enough = [share for share, trial in looks.items() if self._reached(trial) >= self._wanted] or list(looks)
        if not enough:
            return None
        finals = [(share, way, trial) for (share, way), trial in done if way is not None and share >= min(enough)]
        if len(finals) >= MOST_FINALS:
            return None
        for way in range(len(self.ways)):
            tried = [(share, trial) for share, by, trial in finals if by == way]
            if not tried:
                return self._ask(min(enough), way)
            share, last = tried[-1]
            slower = last.comparison is not None and not self.target.met(last.comparison)
            if slower and len(tried) < 2 and share + STEP <= LARGEST:
                return self._ask(round(share + STEP, 2), way)
        return None

    def _met(self, trial: TrialReport) -> bool:
        return trial.comparison is not None and self.target.met(trial.comparison)

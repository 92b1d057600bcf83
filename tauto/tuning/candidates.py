"""What a search has tried, and what it has yet to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tauto.recipes import Recipe
from tauto.reports import TrialReport
from tauto.tuning.candidate import Candidate
from tauto.tuning.objective import Goal
from tauto.tuning.space import Space

__all__ = ["Candidates"]


@dataclass(slots=True)
class Candidates:
    """The candidates of one search, by number, and the recipes that they are of.

    Parameters
    ----------
    goal : Goal
        What counts as an improvement.
    space : Space
        Where recipes come from.
    tried : list of Candidate
        In the order of their numbers; those of an earlier search first.
    recipes : list of Recipe
        Listed first, then proposed; tried or not.
    listed : int
        How many of the recipes no trial had to propose.
    """

    goal: Goal
    space: Space = field(default_factory=lambda: Space((), ()))
    tried: list[Candidate] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)
    listed: int = 0

    def __len__(self) -> int:
        return len(self.tried)

    def list_recipes(self, space: Space) -> None:
        """Take what is to be tried from ``space``, beside what was tried before."""
        done = {item.recipe.digest for item in self.tried}
        self.space = space
        self.recipes = [item.recipe for item in self.tried]
        self.recipes += [recipe for recipe in space.recipes if recipe.digest not in done]
        self.listed = len(self.recipes)

    def skip(self, recipe: Recipe, reason: str, *, cut_off: bool = False) -> None:
        """Note that ``recipe`` is not tried; ``cut_off`` where more time would have it tried."""
        self.tried.append(Candidate.skipped(len(self.tried), recipe, reason, cut_off=cut_off))

    def next_recipe(self, under_way: Sequence[Recipe]) -> Recipe | None:
        """Return the recipe to try now, beside those ``under_way``; None when nothing is left."""
        left = self.left(under_way)
        if not left and self.space.follow:
            begun = [Candidate.skipped(len(self) + place, each, "").report for place, each in enumerate(under_way)]
            proposed = self.space.follow((*self.reports, *begun))
            self.recipes += [] if proposed is None else [proposed]
            return proposed
        return next(iter(left), None)

    def left(self, under_way: Sequence[Recipe] = ()) -> list[Recipe]:
        """Return what was listed or proposed, and not begun."""
        begun = {recipe.digest for recipe in under_way} | {item.recipe.digest for item in self.tried}
        return [recipe for recipe in self.recipes if recipe.digest not in begun]

    def improving(self) -> list[Candidate]:
        """Return those that improve: what the space prefers before others, then the best first."""
        improving = [item for item in self.tried if item.improves and item.report.comparison is not None]

        def rank(item: Candidate) -> tuple[bool, tuple[float, float]]:
            return self.space.prefers(item.recipe), self.goal.rank(item.comparison)

        return sorted(improving, key=rank, reverse=True)

    def foreseen(self, recipe: Recipe) -> str:
        """Return why ``recipe`` would fail as another did; empty where that is not known."""
        if recipe.exported is None:
            return ""
        alike = (item for item in self.tried if item.attempt.not_exportable)
        same = next((item.report for item in alike if item.recipe.exported == recipe.exported), None)
        return f"the model cannot be exported (trial {same.number}: {same.reason.rstrip('.')})" if same else ""

    @property
    def best(self) -> Candidate | None:
        """The first of those that improve."""
        return next(iter(self.improving()), None)

    @property
    def reports(self) -> tuple[TrialReport, ...]:
        """The trials so far, in order."""
        return tuple(item.report for item in self.tried)

    @property
    def measured(self) -> list[Candidate]:
        """Those that came to be compared with the original."""
        return [item for item in self.tried if item.report.comparison is not None]

    @property
    def alike(self) -> bool:
        """Whether all that is tried runs in one engine: where one comes to no end, none with less time does."""
        engines = {recipe.engine.name if recipe.engine else None for recipe in self.recipes}
        return not self.space.follow and len(engines) == 1 and None not in engines

    @property
    def stopped_after(self) -> list[float]:
        """The seconds of each trial that was stopped because its time was over."""
        given = (item.report.stopped_after_s for item in self.tried)
        return [seconds for seconds in given if seconds is not None]

    @property
    def longest_s(self) -> float:
        """Seconds of the longest trial that was measured; 0 before there is one."""
        return max((item.report.wall_s for item in self.measured), default=0.0)

    @property
    def cut_off(self) -> bool:
        """Whether more time, or another run, would have one of them come further."""
        return any(item.cut_off for item in self.tried)

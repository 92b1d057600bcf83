"""What a panel is sent of a running search: no more than what changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tauto.reports import Standing, StudyReport, TuningReport

__all__ = ["Change", "SearchFeed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is new of a search, as JSON data."""

    head: dict[str, Any]
    trials: list[dict[str, Any]]
    under_way: list[dict[str, Any]]
    best: int | None


@dataclass(slots=True)
class SearchFeed:
    """Remembers what was told of a search.

    Attributes
    ----------
    report : TuningReport, StudyReport or None
        All that is known by now.
    """

    report: TuningReport | StudyReport | None = None
    _told: dict[int, Any] = field(default_factory=dict)
    _trials: Any = None

    def hear(self, standing: Standing) -> Change:
        """Return what changed since the last time."""
        self.report = replace(standing.head, trials=standing.trials)  # type: ignore[arg-type]
        changed: tuple[Any, ...] = ()
        if standing.trials is not self._trials:  # where they are the same, none of thousands need be compared
            self._trials = standing.trials
            changed = tuple(trial for trial in standing.trials if self._told.get(trial.number) != trial)
            self._told |= {trial.number: trial for trial in changed}
        # by way of a report, whose JSON form writes what JSON has no numbers for; what is constant compares as equal
        head = replace(standing.head, trials=changed, wall_s=0.0).to_dict()  # type: ignore[arg-type]
        trials = head.pop("trials")
        under_way = [{"number": one.number, "title": one.title} for one in standing.under_way]
        return Change({**head, "trials": []}, trials, under_way, standing.best)

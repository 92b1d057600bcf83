"""What a training came to, in the words that a technique's account takes."""

from __future__ import annotations

from collections.abc import Sequence

from tauto.reports import FittingReport

__all__ = ["length_words", "state_words"]


def length_words(reports: Sequence[FittingReport]) -> str:
    """Return how long the trainings were together, such as ``66 steps`` or ``1 call``, and how much was there before.

    Examples
    --------
    >>> length_words([])
    'no step'
    """
    total = sum(one.steps for one in reports)
    unit = reports[0].unit if reports else "step"
    before = sum(one.resumed_at or 0 for one in reports)
    taken_up = f" ({before:,} of them before, by a checkpoint)" if before else ""
    return f"{total:,} {unit}{'' if total == 1 else 's'}{taken_up}" if total else f"no {unit}"


def state_words(report: FittingReport) -> str:
    """Return the sentence that tells which state was kept and why; empty where it is the last of a whole training."""
    ended_well = report.stopped in {"finished", "early_stopping"}
    if ended_well and not report.rolled_back:
        return ""
    place = (
        f"after {report.unit} {report.best_step:,} of {report.steps:,}" if report.best_step else "before any training"
    )
    if not ended_well:
        where = f" ({place})" if report.rolled_back else ""
        return f"Training was rolled back to its best state{where}: {report.reason}."
    if report.stopped == "early_stopping":
        return f"It ended early, since {report.reason}; what it was {place} is kept."
    return f"What it was {place} is kept, since it was the best by {report.metric}."

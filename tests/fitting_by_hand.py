"""Trainings made by hand, for the tests of reports and of what shows them."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports import FitPoint, FittingReport


def fitted(name: str = "net", metric: str = "accuracy") -> FittingReport:
    """A training that ended as planned, its best state one before the last."""
    points = (
        FitPoint(0, 0, None, 0.912),
        FitPoint(22, 1, 0.61, 0.951),
        FitPoint(44, 2, 0.33, 0.9701),
        FitPoint(66, 3, 0.21, 0.9688),
    )
    return FittingReport(
        model=name, method="AdamW", unit="step", metric=metric, higher_is_better=True, points=points,
        losses=(0.9, 0.5, 0.3, 0.2), steps_per_loss=17, best_step=44, best_score=0.9701, stopped="finished",
        reason="all 66 steps were taken", steps=66, planned_steps=66, resumed_at=22, trained_parameters=1000,
        learning_rate=0.001, seed=0, machine=name, fingerprint="4f2a", device="cpu", threads=2, wall_s=3.1,
        steps_per_s=25.0,
    )  # fmt: skip


def undone() -> FittingReport:
    """The user's own function, which raised at once."""
    return replace(
        fitted(), method="finetune", unit="epoch", points=(FitPoint(0, 0, None, 0.912),), losses=(), best_step=0,
        best_score=0.912, stopped="raised", reason="finetune raised ValueError: <b>no</b>", steps=0, planned_steps=3,
        resumed_at=None, learning_rate=None, steps_per_s=None,
    )  # fmt: skip


def unjudged() -> FittingReport:
    """One call of a function, with nothing to judge it by."""
    return replace(
        undone(), method="tune", unit="call", metric="training loss", higher_is_better=False,
        points=(FitPoint(1, 1, None, None),), best_step=1, best_score=None, stopped="finished",
        reason="tune was called once", steps=1, planned_steps=1, steps_per_s=0.3,
    )  # fmt: skip


def trainings() -> tuple[FittingReport, ...]:
    """One of each."""
    by_loss = replace(
        fitted(), metric="training loss", higher_is_better=False, best_score=0.33,
        points=(FitPoint(22, 1, 0.61, 0.61), FitPoint(44, 2, 0.33, 0.33)), stopped="diverged",
        reason="the loss diverged: 90 at step 66, from 0.9",
    )  # fmt: skip
    early = replace(fitted(), stopped="early_stopping", reason="accuracy was no better 2 times in turn")
    return fitted(), undone(), unjudged(), by_loss, early

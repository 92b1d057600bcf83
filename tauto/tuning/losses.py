"""What a trial lost of the quality, by whatever judged it, in figures that can be set against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tauto.reports import Agreement, Quality, TrialReport
from tauto.workload.quality import MAX_RELATIVE_ERROR, MIN_COSINE

__all__ = ["Loss", "loss_of"]


@dataclass(frozen=True, slots=True)
class Loss:
    """How much was lost, and how much might have been.

    Parameters
    ----------
    drop, allowed : float
        In the metric's unit, of the metric that is worst off; without ``evaluate`` relative errors of the outputs.
    held : bool
        Whether the quality holds.
    remaining : float
        Share of the noise that would be just allowed, 0 to 1.
    """

    drop: float
    allowed: float
    held: bool
    remaining: float

    @property
    def excess(self) -> float:
        """How far beyond what is allowed; negative when within it."""
        return self.drop - self.allowed


def loss_of(trial: TrialReport) -> Loss | None:
    """Return what ``trial`` lost, compared or rejected for its outputs; None when that was not measured."""
    compared = trial.comparison
    if compared is not None and compared.quality:
        return _of_metric(max(compared.quality, key=lambda row: row.drop - row.allowed_drop), compared.quality)
    agreement = compared.agreement if compared is not None else trial.agreement
    held = compared is not None and compared.quality_held is not False
    return _of_outputs(agreement, held) if agreement is not None else None


def _of_metric(worst: Quality, rows: tuple[Quality, ...]) -> Loss:
    # a metric moves with the power of the noise at first: a rough guess, which the trials correct
    remaining = worst.allowed_drop / worst.drop if worst.drop > 0 else 1.0
    return Loss(worst.drop, worst.allowed_drop, all(row.held for row in rows), max(0.0, min(1.0, remaining)))


def _of_outputs(agreement: Agreement, held: bool) -> Loss | None:
    error = agreement.relative_error
    if not math.isfinite(error):
        return None
    apart = 1 - agreement.cosine
    by_error = (MAX_RELATIVE_ERROR / error) ** 2 if error > 0 else 1.0
    by_angle = (1 - MIN_COSINE) / apart if apart > 0 else 1.0
    return Loss(error, MAX_RELATIVE_ERROR, held, min(1.0, by_error, by_angle))

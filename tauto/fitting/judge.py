"""Which state of a model is the better one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from tauto.errors import InvalidArgument, a_kind
from tauto.fitting.state import switched
from tauto.workload.quality import QualityRule, run_evaluate
from tauto.workload.state import preserved_rng

__all__ = ["TRAINING_LOSS", "Judge"]

TRAINING_LOSS = "training loss"


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores a model by ``evaluate``, or by its mean training loss where there is none.

    Parameters
    ----------
    evaluate : callable or None
        ``evaluate(model) -> float | dict`` of metrics.
    metric : str or None
        Which of several metrics counts.
    higher_is_better : bool
        Its direction; of the training loss lower is better.
    """

    evaluate: Callable[[nn.Module], Any] | None = None
    metric: str | None = None
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        if self.evaluate is not None and not callable(self.evaluate):
            raise InvalidArgument(
                f"evaluate: {a_kind(self.evaluate)} cannot be called. Give a function of the model that "
                "returns a number or a dict of numbers."
            )
        if self.evaluate is None and self.metric is not None:
            raise InvalidArgument(f"metric: {self.metric!r} is nothing without evaluate=, which returns it.")

    @property
    def name(self) -> str:
        """What is scored, as far as it is known before the first score."""
        return self.metric or (TRAINING_LOSS if self.evaluate is None else "quality")

    @property
    def higher(self) -> bool:
        """Whether a higher score is better."""
        return self.evaluate is not None and self.higher_is_better

    def score(self, model: nn.Module, loss: float | None) -> tuple[str, float | None]:
        """Return the name and the value of what ``model`` is judged by; its mode and the random states stay.

        Raises
        ------
        EvaluateError
            When ``evaluate`` raises, or returns no finite number.
        InvalidArgument
            When it returns several metrics and none of them is named.
        """
        if self.evaluate is None:
            return TRAINING_LOSS, loss
        with switched(model, training=False), preserved_rng():
            metrics = run_evaluate(self.evaluate, model)
        names = QualityRule(metric=self.metric).judged(metrics)
        if len(names) > 1:
            raise InvalidArgument(
                f"metric: evaluate returns {', '.join(names)}. Name the one that counts: metric={names[0]!r}."
            )
        return names[0], metrics[names[0]]

    def better(self, score: float, than: float | None) -> bool:
        """Return whether ``score`` is better than another, or the first."""
        return than is None or (score > than if self.higher else score < than)

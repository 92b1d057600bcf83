"""The engine under the names that courses on AutoML use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from tauto.config import Constraints
from tauto.errors import InvalidArgument
from tauto.fitting import Plan, fit
from tauto.hardware import THIS_MACHINE
from tauto.recipes import Recipe
from tauto.results import StudyResult, TuningResult
from tauto.tuning.hyperparameters import suggest
from tauto.verbs.autotune import autotune
from tauto.verbs.pipeline import optimization_pipeline
from tauto.verbs.targets import parse_budget
from tauto.verbs.tune import tune
from tauto.workload.training import Loss

__all__ = ["AutoTuner"]

HELD_OUT = 5
"""One batch of so many judges, where no ``evaluate`` does."""


class AutoTuner:
    """:func:`tauto.autotune`, :func:`tauto.tune` and :func:`tauto.optimization_pipeline` as methods of one object.

    Parameters
    ----------
    evaluate : callable, optional
        ``evaluate(model)``, a number of which more is better: judges models by their quality.
    loss : callable, optional
        ``loss(outputs, labels)``. Default: cross-entropy for labels that are integers, else the mean square.
    budget : str or float
        Time of each search, such as ``"2min"``, or how many trials: ``"20 trials"``.

    Raises
    ------
    InvalidArgument
        When ``budget`` is neither.

    Examples
    --------
    >>> tuner = tauto.AutoTuner(evaluate=accuracy, budget="2min")  # doctest: +SKIP
    >>> tuner.auto_optimize(model, tauto.Constraints(max_latency_ms=3), inputs=x).verdict  # doctest: +SKIP
    'improved'
    """

    def __init__(
        self,
        *,
        evaluate: Callable[[nn.Module], Any] | None = None,
        loss: Loss | None = None,
        budget: str | float = "5min",
    ) -> None:
        parse_budget(budget)  # what is malformed is told where it is given
        self.evaluate, self.loss, self.budget = evaluate, loss, budget

    def auto_optimize(
        self, model: nn.Module, constraints: Constraints | None = None, inputs: Any = None, **options: Any
    ) -> TuningResult:
        """Return what :func:`tauto.autotune` finds for ``model`` under ``constraints``.

        Parameters
        ----------
        model : torch.nn.Module
            Stays as it is.
        constraints : Constraints, optional
            What the answer must keep to, measured.
        inputs : optional
            What to call the model with.
        **options
            Further arguments of :func:`tauto.autotune`, such as ``data`` or ``only``.
        """
        given = {"evaluate": self.evaluate, "budget": self.budget, **options}
        return autotune(model, inputs, constraints=constraints, **given)

    def hyperparameter_search(
        self, model: nn.Module, data: Iterable[Any], budget: str | float | None = None, *, epochs: int = 3
    ) -> StudyResult:
        """Search for how to train ``model`` on ``data``: learning rate, weight decay, schedule and warm-up of AdamW.

        Each trial trains a copy from the weights as they are. It is judged by ``evaluate``; without it all batches are
        drawn once and kept, and every fifth is not trained on and judges by its loss.

        Parameters
        ----------
        model : torch.nn.Module
            Stays as it is.
        data : iterable of batches
            ``(inputs, labels)``; gone through again in each epoch.
        budget : str or float, optional
            Time, or ``"20 trials"``; default that of the tuner.
        epochs : int
            Of each trial.

        Raises
        ------
        InvalidArgument
            When batches are no pairs, or fewer than two where one has to judge.

        Examples
        --------
        >>> tauto.AutoTuner().hyperparameter_search(model, loader, "1min").params  # doctest: +SKIP
        {'lr': 0.0021, 'weight_decay': 0.003, 'schedule': 'cosine', 'warmup_share': 0.04}
        """
        first = next(iter(data), None)
        if not isinstance(first, Sequence) or isinstance(first, str) or len(first) != 2:
            raise InvalidArgument("data: batches must be pairs, (inputs, labels). Give a DataLoader of such.")
        loss = self.loss or _loss_for(first[1])
        evaluate = self.evaluate
        batches, judging = data, list[Any]()
        if evaluate is None:  # drawn once: a loader that shuffles would train on what judges
            drawn = list(data)
            batches = [batch for number, batch in enumerate(drawn) if number % HELD_OUT != 1]
            judging = drawn[1::HELD_OUT]
            if not judging:
                raise InvalidArgument("data: a single batch cannot both train and judge. Give more, or evaluate=….")

        def training() -> float:
            plan = Plan(
                epochs=epochs,
                learning_rate=suggest.float("lr", 1e-5, 1e-1, log=True),
                weight_decay=suggest.float("weight_decay", 1e-6, 1e-1, log=True),
                schedule=suggest.categorical("schedule", ["cosine", "linear", "constant"]),
                warmup=suggest.float("warmup_share", 0.0, 0.2),
            )
            trained = fit(model, batches, loss, plan).model
            return float(evaluate(trained)) if evaluate is not None else _mean_loss(trained, judging, loss)

        training.__name__ = f"training of {type(model).__name__}"
        direction = "minimize" if evaluate is None else "maximize"
        return tune(training, budget=self.budget if budget is None else budget, direction=direction)

    def optimization_pipeline(
        self,
        model: nn.Module,
        target_hardware: str | Path = THIS_MACHINE,
        inputs: Any = None,
        *,
        only: Collection[str] = (),
        without: Collection[str] = (),
    ) -> Recipe:
        """Return the recipe that the rules expect most of there, as :func:`tauto.optimization_pipeline`: untried."""
        return optimization_pipeline(model, target_hardware, inputs, only=only, without=without)


def _loss_for(labels: Any) -> Loss:
    if not isinstance(labels, torch.Tensor):
        raise InvalidArgument(f"loss: there is none known for labels of {type(labels).__name__}. Give loss=….")
    return mse_loss if labels.is_floating_point() else cross_entropy


def _mean_loss(model: nn.Module, batches: Iterable[Any], loss: Loss) -> float:
    model.eval()
    with torch.inference_mode():
        found = [float(loss(model(inputs), labels)) for inputs, labels in batches]
    return sum(found) / len(found)

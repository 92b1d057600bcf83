"""Make a model's arithmetic int8 or int4, if that is faster or smaller here and the quality holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument, did_you_mean
from tauto.fitting import epochs_of
from tauto.hardware import Hardware
from tauto.reports import SensitivityReport
from tauto.results import SensitivityResult, TuningResult
from tauto.techniques.quantization.aware import EPOCHS, QuantizationAwareConfig
from tauto.tuning import Budget, Goal, Plan, Space, tune
from tauto.tuning.methods import METHODS, Way, quantized_space, ways
from tauto.tuning.quality_control import controlled
from tauto.verbs.checkpoints import trainings_in
from tauto.verbs.checks import check_data, check_floating, check_labels
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.sensitivity import ranking
from tauto.workload import Workload
from tauto.workload.training import FineTune, Loss

__all__ = ["METHODS", "quantize"]

_OBJECTIVES = ("latency", "size")


def quantize(
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    method: str = "auto",
    bits: int | None = None,
    group: int | None = None,
    engine: str = "auto",
    objective: Literal["latency", "size"] = "latency",
    sensitivity: SensitivityResult | SensitivityReport | None = None,
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    budget: str | float = "3min",
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Quantize ``model`` to int8 (or int4) by the method that measures best here and keeps the quality.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit.
    method : str
        ``"dynamic"`` (inputs are quantized as they come), ``"static"`` (by ranges from ``data``; several ways to tell
        them are tried), ``"weight-only"``, ``"qat"`` (static, after a training in which numbers are rounded), the name
        of a technique, or ``"auto"``: what measures best of dynamic and static.
    bits : {8, 4}, optional
        Of the weights; 4 are for weights alone (and the training for them).
    group : {32, 64, 128}, optional
        Weights of a row that share a scale, with ``"weight-only"``: fewer are nearer to the original, more are smaller.
        Default 32 in the engines; in torch's 8 bits a whole row.
    engine : {"auto", "torch", "onnxruntime", "openvino"}
        What runs it.
    objective : {"latency", "size"}
        With ``"latency"`` a model that is as fast and clearly smaller is an improvement too; with ``"size"`` a smaller
        one that takes up to twice the time, which is said.
    sensitivity : SensitivityResult or SensitivityReport, optional
        From :func:`tauto.sensitivity`, for the order in which layers go back to floating point where all of them in
        int8 lose too much. Default: the layers are ranked when that is so.
    loss, finetune : callable, optional
        For ``"qat"``: ``loss(outputs, labels)`` for the built-in loop over ``data``, or your own ``finetune(model)`` or
        ``finetune(model, epoch)``. With ``data`` alone the model learns to answer as it did.
    epochs, learning_rate : optional
        Of that training; default 3 and 1e-4.
    patience : int, optional
        Epochs in turn that find nothing better before the training stops; default all are taken.
    checkpoint : path, optional
        A folder that the same call goes on from where its training was interrupted, killed or cut off by ``budget``;
        what it keeps there is removed once it has come to its end. Default: a training begins anew.
    budget, isolated
        As in :func:`tauto.autotune`.

    Raises
    ------
    InvalidArgument, ModelError
        When what is asked for contradicts itself, nothing does it, the data does not suit the model, or the model is
        quantized already; one line says what to write.

    Returns
    -------
    TuningResult
        ``"infeasible"`` when every faster int8 model lost too much quality; ``reason`` then names the nearest miss.

    Examples
    --------
    >>> small = tauto.quantize(model, data=loader, evaluate=accuracy).model  # doctest: +SKIP
    >>> tiny = tauto.quantize(model, data=loader, method="weight-only", bits=4, objective="size")  # doctest: +SKIP
    """
    if objective not in _OBJECTIVES:
        raise InvalidArgument(
            f"objective: there is no {objective!r}. {did_you_mean(str(objective), _OBJECTIVES)}".rstrip()
        )
    chosen = ways(method, bits, engine, group)
    training = {"loss": loss, "finetune": finetune, "epochs": epochs, "learning_rate": learning_rate}
    _check_training(method, **training, patience=patience, checkpoint=checkpoint)
    ranked = ranking(sensitivity, model)
    clock = Budget(parse_duration(budget))
    workload = Workload.of(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=name,
        loss=loss,
        finetune=finetune,
        trains=method == "qat",
    )
    check_floating(model)
    check_data(workload, given=data is not None)
    trained = _trained(method, chosen, workload, epochs, learning_rate, patience)
    hardware = Hardware.current(workload.device.type)
    goal = Goal(objective, or_smaller=objective == "latency")

    def space() -> Space:
        found = quantized_space(workload, hardware, chosen, trained=trained, observers=method == "static")
        return controlled(found, workload, hardware, goal, clock, ranked)

    with clock.standing_still():
        hardware.ceilings()  # what the rules go by; measured once for a machine
    with trainings_in(checkpoint, "quantize", workload) as trainings:
        plan = Plan("quantize", space, clock, goal, required=True, isolated=isolated, trainings=trainings)
        return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


def _trained(
    method: str,
    chosen: Sequence[Way],
    workload: Workload,
    epochs: int | None,
    learning_rate: float | None,
    patience: int | None,
) -> dict[str, Any] | None:
    """Return the configuration of the training before it; None where none is wanted."""
    if method != "qat":
        return None
    if workload.training is None:
        raise InvalidArgument(
            "method: 'qat' trains. Give data=, batches to train on, with loss=… where they have labels; or finetune=…, "
            "your own function of the model."
        )
    check_labels(workload)
    length = epochs_of(workload.training, epochs, EPOCHS)
    given: dict[str, Any] = {
        "bits": chosen[0].bits,
        "epochs": length,
        "learning_rate": learning_rate,
        "patience": patience,
    }
    known: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    QuantizationAwareConfig(**known)  # what is out of range is told by its own name, before any work
    return known


def _check_training(method: str, **given: Any) -> None:
    for argument, value in given.items():
        if value is not None and method != "qat":
            raise InvalidArgument(f"{argument}: only method='qat' trains. Write method='qat', or leave it out.")

"""Say which layers of a model suffer when they are quantized."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import Interrupted, InvalidArgument, a_kind, did_you_mean
from tauto.hardware import Hardware
from tauto.reports import SensitivityReport
from tauto.results import SensitivityResult
from tauto.tuning.budget import Budget
from tauto.tuning.fake_quantization import Scheme
from tauto.tuning.layer_bench import LayerBench
from tauto.tuning.sensitivity import Sensitivity
from tauto.verbs.checks import check_data
from tauto.verbs.compare import check_call
from tauto.verbs.delivery import deliver
from tauto.workload import Workload

__all__ = ["ranking", "sensitivity"]

_ACTIVATIONS = ("static", "dynamic", "none")


def sensitivity(
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    bits: Literal[8, 4] = 8,
    activations: Literal["static", "dynamic", "none"] | None = None,
    budget: str | float = "1min",
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> SensitivityResult:
    """Measure what each layer does to the outputs, and to the quality, when it alone is quantized.

    Layers are run as if they were quantized, in floating point and on a copy: the model stays as it is, bit for bit.
    First come the outputs of every layer, then the metrics, the worst layers first; the result says of how many
    samples and layers it speaks, and what the budget left open.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`. Activations are calibrated on ``data``; without, on the inputs alone.
    bits : {8, 4}
        Of the weights: 8 with a scale for each output channel, 4 with one for each 32 weights.
    activations : {"static", "dynamic", "none"}, optional
        How the inputs of layers are rounded; default ``"static"`` with 8 bits and ``"none"`` with 4.
    budget : str or float
        Time that it may take, such as ``"1min"`` or seconds.

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError
        One clear line when something given cannot be used, or no layer can be quantized.
    Interrupted
        When stopped, with what was measured as the error's ``result``.

    Examples
    --------
    >>> found = tauto.sensitivity(model, data=loader, evaluate=accuracy)  # doctest: +SKIP
    >>> found.rows[0].path  # doctest: +SKIP
    'stem.conv'
    >>> tauto.quantize(model, data=loader, evaluate=accuracy, sensitivity=found)  # doctest: +SKIP
    """
    if bits not in (8, 4) or isinstance(bits, bool):
        raise InvalidArgument(f"bits: {bits!r} is not a width that layers are quantized to. Write 8 or 4.")
    if activations is not None and activations not in _ACTIVATIONS:
        raise InvalidArgument(
            f"activations: there is no {activations!r}. {did_you_mean(str(activations), _ACTIVATIONS)}".rstrip()
        )
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
    )
    check_call(model, workload, "inputs")
    check_data(workload, given=data is not None)
    analysis = Sensitivity(workload, Scheme(bits, activations or ("static" if bits == 8 else "none")), clock)
    hardware = Hardware.current(workload.device.type)
    with clock.standing_still():
        hardware.ceilings()  # tell what int8 may bring; measured once for a machine
    analysis.run()
    report = analysis.report(hardware)
    result = deliver(SensitivityResult(report, _by_hand(workload, report, hardware)))
    if result.report.interrupted:
        raise Interrupted(result)
    return result


def _by_hand(workload: Workload, report: SensitivityReport, hardware: Hardware) -> Callable[[], LayerBench]:
    """Return what makes the bench of single layers; it keeps the calls and the rule of the quality, not the model."""
    kept, rest = weakref.ref(workload.model), replace(workload, model=nn.Identity())

    def bench() -> LayerBench:
        if (model := kept()) is None:
            raise InvalidArgument("by_hand: the model that was analysed is gone. Build it, and analyse it again.")
        return LayerBench(replace(rest, model=model), report, hardware)

    return bench


def ranking(found: SensitivityResult | SensitivityReport | None, model: nn.Module) -> SensitivityReport | None:
    """Return the report of an analysis that another verb is given, where it is one of this ``model``.

    Raises
    ------
    InvalidArgument
        When it is no such analysis, or of other layers.
    """
    if found is None:
        return None
    report = found.report if isinstance(found, SensitivityResult) else found
    if not isinstance(report, SensitivityReport):
        raise InvalidArgument(
            f"sensitivity: {a_kind(found)} is no analysis of layers. Give what tauto.sensitivity(model, …) returned."
        )
    if isinstance(model, nn.Module):
        known = {path for path, _ in model.named_modules()}
        if lost := [row.path for row in report.rows if row.path not in known]:
            raise InvalidArgument(
                f"sensitivity: it is of another model ({report.model}): this one has no layer {lost[0]!r}. Analyse it: "
                "tauto.sensitivity(model, …)."
            )
    return report

"""Two models against each other, and one alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, overload

from torch import nn

from tauto import measurement
from tauto.config import Drop
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.reports import LayersReport
from tauto.results import ComparisonResult, LayersResult, MeasurementResult
from tauto.verbs.delivery import deliver
from tauto.workload import Call, Workload, check_model
from tauto.workload.check import check_runs
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["callable_workload", "check_call", "compare", "measure"]


@overload
def compare(
    a: nn.Module,
    b: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    names: tuple[str, str] = ("a", "b"),
    layers: Literal[False] = False,
) -> ComparisonResult: ...


@overload
def compare(
    a: nn.Module,
    b: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    names: tuple[str, str] = ("a", "b"),
    layers: Literal[True],
) -> LayersResult: ...


def compare(
    a: nn.Module,
    b: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    names: tuple[str, str] = ("a", "b"),
    layers: bool = False,
) -> ComparisonResult | LayersResult:
    """Time ``b`` against ``a``, interleaved in blocks under the same conditions, and judge its quality by ``a``'s.

    With ``layers`` nothing is timed: what each layer returns is compared, to see where an error starts and how it
    grows (:func:`tauto.measurement.compare_layers` says how).

    Parameters
    ----------
    a, b : torch.nn.Module
        ``a`` is the reference. Both are run in ``eval()`` and given their own modes back.
    inputs, data, evaluate, max_drop, metric, higher_is_better
        As in :meth:`tauto.Workload.of`.
    names : tuple of str
        What to call them in the report.
    layers : bool
        Compare layer by layer, over ``data`` where it is given; quality is not judged then.

    Examples
    --------
    >>> tauto.compare(model, fast, x).verdict  # doctest: +SKIP
    'better'
    >>> tauto.compare(model, fast, x, layers=True).starts  # doctest: +SKIP
    'stem.conv'
    """
    if layers:
        if evaluate is not None or metric is not None:
            raise InvalidArgument(
                "layers: numbers are compared layer by layer, and evaluate and metric are not used for that. "
                "Leave them out, or compare without layers."
            )
        return _compare_layers(a, b, inputs, data, names)
    check_model(b, "b")
    workload = Workload.of(
        a,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        name=names[0],
    )
    for argument, model in zip(names, (a, b), strict=True):
        check_call(model, workload, argument)
    hardware = Hardware.current(workload.device.type)
    report = measurement.compare(a, b, workload, hardware=hardware, names=names)
    return deliver(ComparisonResult(report, _later(a, b, workload.samples, hardware, names)))


def _later(
    a: nn.Module, b: nn.Module, samples: Sequence[Call], hardware: Hardware, names: tuple[str, str]
) -> Callable[[], LayersReport]:
    """Return what compares the two layer by layer when it is asked to; a result does not keep the models alive."""
    models = weakref.ref(a), weakref.ref(b)

    def compared() -> LayersReport:
        one, other = (model() for model in models)
        if one is None or other is None:
            raise InvalidArgument("layers: a model of this comparison is gone. Build it, then compare again.")
        return measurement.compare_layers(one, other, samples, hardware=hardware, names=names)

    return compared


def _compare_layers(
    a: nn.Module, b: nn.Module, inputs: Any, data: Iterable[Any] | None, names: tuple[str, str]
) -> LayersResult:
    # torch.ao's quantized models keep their weights elsewhere, and have no parameters
    if not isinstance(b, nn.Module) or any(True for _ in b.parameters()):
        check_model(b, "b")
    workload = Workload.of(a, inputs=inputs, data=data, name=names[0])
    for argument, model in zip(names, (a, b), strict=True):
        check_call(model, workload, argument)
    hardware = Hardware.current(workload.device.type)
    return deliver(LayersResult(measurement.compare_layers(a, b, workload.samples, hardware=hardware, names=names)))


def measure(model: nn.Module, inputs: Any = None, *, name: str | None = None) -> MeasurementResult:
    """Measure one model alone: latency, throughput, size.

    Examples
    --------
    >>> tauto.measure(model, x).latency.p50_ms  # doctest: +SKIP
    0.41
    """
    workload = callable_workload(model, inputs, name)
    return deliver(MeasurementResult(measurement.measure(model, workload.example, name=workload.name)))


def callable_workload(model: nn.Module, inputs: Any = None, name: str | None = None) -> Workload:
    """Return the workload of ``model``, which was called once to see that it can be measured."""
    workload = Workload.of(model, inputs=inputs, name=name)
    check_call(model, workload, "inputs")
    return workload


def check_call(model: nn.Module, workload: Workload, argument: str) -> None:
    """Call ``model`` once as it will be measured; a :class:`~tauto.errors.ModelError` says what it refuses."""
    with evaluating(model), preserved_rng():
        check_runs(model, workload.example, argument)

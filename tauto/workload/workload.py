"""What is being optimized: a model, example inputs, and how its quality is judged."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from tauto.config import Drop, parse_drop
from tauto.errors import InvalidArgument, ModelError, a_kind
from tauto.workload import seen
from tauto.workload.call import Call, call_from_batch, call_from_inputs, same_call
from tauto.workload.check import check_model
from tauto.workload.quality import DEFAULT_DROP, NEARNESS, QualityRule
from tauto.workload.state import preserved_generators, preserved_rng
from tauto.workload.training import FineTune, Loss, Training, training_of

__all__ = ["DATA_BYTES", "DATA_SAMPLES", "Workload"]

DATA_SAMPLES = 256
"""Samples taken from ``data``: enough to calibrate on and to compare outputs over."""
DATA_BYTES = 512 * 2**20
MOST_BATCHES = 1000
"""Batches looked at: one that repeats itself for ever ends there."""

Evaluate = Callable[[nn.Module], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """A model with what is needed to run, judge and change it.

    Use :meth:`of` to make one from what a user has.

    Parameters
    ----------
    model : torch.nn.Module
        Only read; whoever changes it changes :meth:`copy_model`.
    example : Call
        The call whose latency counts.
    samples : tuple of Call
        Varied calls, to compare outputs over and to calibrate on; at least the example.
    evaluate : callable or None
        ``evaluate(model) -> float | dict``.
    rule : QualityRule
        What may be lost.
    name : str
        What the user calls the model.
    factory : callable or None
        Builds the model anew (its weights are then loaded), for models that cannot be copied or sent.
    training : Training or None
        How the model may be trained, for what needs that.
    """

    model: nn.Module
    example: Call
    samples: tuple[Call, ...]
    evaluate: Evaluate | None = None
    rule: QualityRule = dataclasses.field(default_factory=QualityRule)
    name: str = "model"
    factory: Callable[[], nn.Module] | None = None
    training: Training | None = None

    @classmethod
    def of(
        cls,
        model: nn.Module,
        *,
        inputs: Any = None,
        data: Iterable[Any] | None = None,
        evaluate: Evaluate | None = None,
        max_drop: str | float | Drop | None = None,
        metric: str | None = None,
        higher_is_better: bool = True,
        name: str | None = None,
        factory: Callable[[], nn.Module] | None = None,
        loss: Loss | None = None,
        finetune: FineTune | None = None,
        trains: bool = False,
    ) -> Self:
        """Return the workload that these arguments mean, or say what is wrong with them.

        Parameters
        ----------
        model : torch.nn.Module
            The model to work on.
        inputs : Tensor, tuple or dict, optional
            What to call the model with. Default: what a profiled cell called it with, else a batch of ``data``.
        data : iterable of batches, optional
            To compare outputs over and to calibrate on; labels are dropped. It must be iterable again.
        evaluate : callable, optional
            ``evaluate(model) -> float | dict`` of metrics. Without it, outputs are compared with the original's.
        max_drop : str or float, optional
            Of what ``evaluate`` returns: ``"1%"`` of the original's figure (default), or ``0.01`` in the metric's unit.
        metric : str, optional
            Which metric of ``evaluate`` counts; default all.
        higher_is_better : bool
            Direction of the metric.
        name : str, optional
            What the user calls the model; default its class.
        factory : callable, optional
            Builds the model anew, where it cannot be copied or sent to a trial.
        loss, finetune : callable, optional
            As :class:`~tauto.workload.Training` takes them.
        trains : bool
            Whether what is done with this workload trains: ``data`` goes to the trials whole then, labels included.

        Raises
        ------
        InvalidArgument, ModelError
            One clear line; nothing was changed.
        """
        check_model(model)
        if evaluate is not None and not callable(evaluate):
            raise InvalidArgument(
                f"evaluate: {a_kind(evaluate)} cannot be called. Give a function of the model that "
                "returns a number (higher is better) or a dict of numbers."
            )
        rule = _rule(max_drop, metric, higher_is_better, judged=evaluate is not None)
        remembered = seen.calls_of(model)
        example = call_from_inputs(inputs) if inputs is not None else next(iter(remembered), None)
        batches = _batches(data, model, example) if data is not None else ()
        if example is None and batches:
            example = batches[0]
        if example is None:
            raise InvalidArgument(
                "inputs: none are known for this model. Give them (--inputs NAME, or inputs=… in Python: a tensor, "
                "a tuple of arguments or a dict of keyword arguments), or profile a cell that calls the model first."
            )
        samples = batches or (remembered if inputs is None else ()) or (example,)
        training = training_of(data, loss, finetune) if trains else None
        return cls(model, example, samples, evaluate, rule, name or type(model).__name__, factory, training)

    @property
    def device(self) -> torch.device:
        """Device of the first parameter."""
        return next(self.model.parameters()).device

    @property
    def sample_count(self) -> int:
        """Samples over all :attr:`samples`."""
        return sum(call.batch for call in self.samples)

    @property
    def quality_rule(self) -> str:
        """The rule in words."""
        return self.rule.describe(self.evaluate is not None, self.sample_count)

    def with_model(self, model: nn.Module) -> Workload:
        """Return the same workload for another model, as the next step of a recipe sees it."""
        return dataclasses.replace(self, model=model, factory=None)

    def copy_model(self) -> nn.Module:
        """Return a copy of the model in eval mode, without gradients, that shares nothing with it.

        Raises
        ------
        ModelError
            When the model can neither be copied nor built by ``factory``.
        """
        with preserved_rng():
            if self.factory is not None:
                twin = _built(self.factory, self.model.state_dict())
            else:
                twin = _deep_copied(self.model)
        for parameter in twin.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
        return twin.eval()

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.factory is not None:  # the model itself refuses to travel: its weights do
            fields["model"] = None
            return _restored, (fields, self.model.state_dict(), self.model.training)
        return _restored, (fields, None, self.model.training)


def _rule(
    max_drop: str | float | Drop | None, metric: str | None, higher_is_better: bool, *, judged: bool
) -> QualityRule:
    """Return what may be lost, and refuse what says so of figures that nothing returns."""
    allowed = parse_drop(DEFAULT_DROP if max_drop is None else max_drop)
    given = [name for name, value in (("max_drop", max_drop), ("metric", metric)) if value is not None]
    if given and not judged:
        raise InvalidArgument(
            f"{given[0]}: it is about what evaluate returns, and there is no evaluate. Give evaluate, or leave "
            f"{given[0]} out: outputs must then stay within {NEARNESS} of the original's."
        )
    return QualityRule(allowed, metric, higher_is_better)


def _restored(fields: dict[str, Any], weights: dict[str, Any] | None, training: bool) -> Workload:
    if weights is not None:
        fields["model"] = _built(fields["factory"], weights).train(training)
    return Workload(**fields)


def _built(factory: Callable[[], nn.Module], weights: dict[str, Any]) -> nn.Module:
    model = check_model(factory(), "factory")
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        words = " ".join(str(error).split())
        raise ModelError(f"factory: what it builds does not take the model's weights: {words}") from error
    return model


def _deep_copied(model: nn.Module) -> nn.Module:
    try:
        with torch.no_grad():  # or a scripted model's copies are no leaves
            return _with_own_classes(copy.deepcopy(model))
    except Exception as error:  # a model's own attributes decide what is raised here
        if made := _made_anew(model):
            raise ModelError(
                f"model: it cannot be copied, since {made} is computed anew in each call, as by a mask of "
                "torch.nn.utils.prune or an old weight_norm. Make it permanent first (prune.remove, "
                "remove_weight_norm), or use torch.nn.utils.parametrizations."
            ) from error
        raise ModelError(
            f"model: {type(model).__name__} cannot be copied ({type(error).__name__}: {error}). "
            "Give factory=, a function that builds it; its weights are then loaded into what it builds."
        ) from error


def _with_own_classes(twin: nn.Module) -> nn.Module:
    """Give each parametrized layer a class of its own.

    torch makes a class for it whose properties compute the weights, and copies share it: what takes a parametrization
    from a copy would take it from the original.
    """
    for module in twin.modules():
        if is_parametrized(module):
            kind = type(module)
            own = {name: value for name, value in vars(kind).items() if name not in {"__dict__", "__weakref__"}}
            module.__class__ = type(kind.__name__, kind.__bases__, own)
    return twin


def _made_anew(model: nn.Module) -> str:
    """Return the name of the first tensor that hangs on a module and is no leaf; empty when there is none."""
    for path, module in model.named_modules():
        for key, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                return f"{path}.{key}".lstrip(".")
    return ""


def _batches(data: Iterable[Any], model: nn.Module, example: Call | None) -> tuple[Call, ...]:
    if not isinstance(data, Iterable):
        raise InvalidArgument(f"data: {a_kind(data)} is not an iterable of batches, such as a DataLoader.")
    if isinstance(data, torch.Tensor | dict | str):
        raise InvalidArgument(
            f"data: {a_kind(data)} is one batch, not an iterable of batches. Put it in a list: [batch]."
        )
    if isinstance(data, Iterator):
        raise InvalidArgument(
            f"data: {a_kind(data)} can be read only once, and reading it would take it from you. "
            "Give a DataLoader or a list of batches."
        )
    calls: list[Call] = []
    samples = size = 0
    with preserved_rng(), preserved_generators(data):
        for batch in itertools.islice(data, MOST_BATCHES):
            call = call_from_batch(batch, model, example)
            if not call.tensors:
                raise InvalidArgument("data: a batch of it holds no tensor that the model takes.")
            if any(same_call(known, call) for known in calls):
                continue  # only varied inputs prove something
            calls.append(call)
            samples += call.batch
            size += sum(tensor.numel() * tensor.element_size() for tensor in call.tensors)
            if samples >= DATA_SAMPLES or size >= DATA_BYTES:
                break
    if not calls or samples == 0:
        raise InvalidArgument("data: it is empty. Give at least one batch.")
    return tuple(calls)

"""What pruning takes out, and whether the model still means the same without it.

It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tauto.workload.structure import map_tensors

__all__ = [
    "Cut",
    "alike",
    "answers",
    "distance",
    "output_gradients",
    "reestimate_norms",
    "refusal",
    "restored",
    "shape_of_answers",
    "state_of",
    "unfit",
]


@dataclass(frozen=True)
class Cut:
    """What was taken out of one part of a model: ``removed`` are indices within the ``before`` that were there."""

    name: str
    kind: str
    before: int
    after: int
    removed: tuple[int, ...] = ()


def answers(model: nn.Module, call: Any) -> list[Tensor]:
    """Return the tensors that ``model`` returns for ``(args, kwargs)``."""
    found: list[Tensor] = []

    def take(tensor: Tensor) -> Tensor:
        found.append(tensor.detach())
        return tensor

    with torch.no_grad():
        map_tensors(take, model(*call[0], **call[1]))
    return found


def shape_of_answers(found: list[Tensor]) -> list[Any]:
    """Return shapes and kinds."""
    return [(tuple(tensor.shape), tensor.dtype) for tensor in found]


def alike(one: list[Tensor], other: list[Tensor], tolerance: float = 1e-3) -> bool:
    """Return whether the answers are the same but for rounding."""
    for left, right in zip(one, other, strict=True):
        if not left.is_floating_point():
            continue  # an arg max may tip over by rounding
        error = (left.double() - right.double()).norm()
        if not error <= tolerance * right.double().norm() + 1e-6:  # a NaN is not alike
            return False
    return True


def unfit(model: nn.Module, tied: bool = True) -> dict[nn.Module, str]:
    """Return the layers whose weights cannot be cut, with the reason; ``tied`` ones only where that matters."""
    names = {module: name for name, module in model.named_modules()}
    owners: dict[int, nn.Module] = {}
    found: dict[nn.Module, str] = {}
    for module in names if tied else ():
        for parameter in module._parameters.values():
            if parameter is None:
                continue
            first = owners.setdefault(id(parameter), module)
            if first is not module:
                found[module] = f"its weights are those of {names[first]}, too"
                found[first] = f"its weights are those of {names[module]}, too"
    for module in names:
        weight = module._parameters.get("weight")
        made = isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)) and weight is None
        if made or hasattr(module, "parametrizations"):
            found[module] = "its weight is computed from others (a parametrization or a mask)"
        elif weight is not None and type(weight.data) is not Tensor:
            found[module] = f"its weight is a {type(weight.data).__name__}"
    return found


def state_of(model: nn.Module) -> list[Any]:
    """Return what :func:`restored` gives back: attributes, and which tensors and children there are."""
    return [
        (module, dict(vars(module)), dict(module._parameters), dict(module._buffers), dict(module._modules))
        for module in model.modules()
    ]


def restored(state: list[Any]) -> None:
    """Undo what was cut since :func:`state_of`; values that were written into a tensor in place stay."""
    for module, values, parameters, buffers, children in state:
        vars(module).clear()
        vars(module).update(values, _parameters=parameters, _buffers=buffers, _modules=children)


def refusal(model: nn.Module, call: Any, expected: list[Tensor] | None, shapes: list[Any]) -> str:
    """Return why ``model`` may not stay as it was just cut; "" when it may.

    ``expected`` is what it must answer: what it answered with the weights that read the removed parts at zero. Where
    that cannot be known (a layer norm over what is left), None.
    """
    try:
        found = answers(model, call)
    except Exception as error:  # the user's own forward, with other widths
        first = next(iter(str(error).splitlines()), "").strip()
        return f"the forward pass fails when it is narrower ({type(error).__name__}: {first[:90]})"
    if shape_of_answers(found) != shapes:
        return "the model's outputs are made of it"
    if expected is not None and not alike(found, expected):
        return "the forward pass computes across it (a reshape, a norm, a custom operation): the rest would change"
    return ""


def distance(model: nn.Module, calls: list[Any], right: list[list[Tensor]]) -> float:
    """Return the relative error of the answers to ``calls`` against the ``right`` ones; infinite for NaN."""
    noise = signal = 0.0
    for call, expected in zip(calls, right, strict=True):
        for one, other in zip(answers(model, call), expected, strict=True):
            if one.is_floating_point():
                noise += float((one.double() - other.double()).square().sum())
                signal += float(other.double().square().sum())
    error = (noise / max(signal, 1e-12)) ** 0.5
    return error if error == error else float("inf")


def reestimate_norms(model: nn.Module, calls: list[Any], right: list[list[Tensor]]) -> bool:
    """Take the statistics of batch normalisations anew over ``calls``, if the answers come nearer by it; say if so."""
    kind = nn.modules.batchnorm._BatchNorm
    norms = [module for module in model.modules() if isinstance(module, kind) and module.running_mean is not None]
    if not norms:
        return False
    before = distance(model, calls, right)
    kept = [
        (norm, norm.momentum, {key: value.clone() for key, value in norm.named_buffers(recurse=False)})
        for norm in norms
    ]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all calls
        norm.training = True
    try:
        for call in calls:
            answers(model, call)
    finally:
        for norm, momentum, _ in kept:
            norm.momentum, norm.training = momentum, False
    if distance(model, calls, right) < before:
        return True
    for norm, _, buffers in kept:
        for key, value in buffers.items():
            getattr(norm, key).copy_(value)
    return False


def output_gradients(model: nn.Module, calls: list[Any]) -> None:
    """Fill in the gradients of half the squared answers: the gradient of a distance to the original is zero yet."""
    for call in calls:
        found: list[Tensor] = []

        def take(tensor: Tensor, found: list[Tensor] = found) -> Tensor:
            if tensor.is_floating_point() and tensor.requires_grad:
                found.append(tensor)
            return tensor

        with torch.enable_grad():
            map_tensors(take, model(*call[0], **call[1]))
            if found:
                torch.stack([tensor.float().square().mean() for tensor in found]).sum().backward()  # type: ignore[no-untyped-call]

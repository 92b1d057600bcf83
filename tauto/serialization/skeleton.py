"""What a model is made of, without its weights: enough to tell how another differs from it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from tauto.serialization.kinds import name_of
from tauto.serialization.plain import NotPlain, encode

__all__ = ["Bone", "Place", "Skeleton", "called", "hooks_of", "join", "own_tensors"]

Place = Literal["parameter", "buffer", "transient", "attribute"]
"""A transient is a buffer that state dictionaries leave out; an attribute is a tensor that torch does not know of."""

_INTERNAL = frozenset(vars(nn.Module()))
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type)
_RUN = ("_forward_hooks", "_forward_pre_hooks")


@dataclass(frozen=True, slots=True)
class Bone:
    """One module of a model.

    Parameters
    ----------
    kind : str
        What descriptions call its class.
    attributes : Mapping
        Plain values, as JSON.
    functions : Mapping
        Names of the functions and classes that it holds.
    tensors : Mapping
        Shape of each of its own tensors; None where one is foreseen and absent.
    children : Mapping
        Names of its parts, and whether each is there or None.
    hooks : int
        How many run with its forward pass.
    """

    kind: str
    attributes: Mapping[str, Any]
    functions: Mapping[str, str]
    tensors: Mapping[str, tuple[int, ...] | None]
    children: Mapping[str, bool]
    hooks: int

    @classmethod
    def of(cls, module: nn.Module) -> Bone:
        """Return that of ``module`` itself, not of its parts."""
        attributes, functions = {}, {}
        for name, value in vars(module).items():
            if name in _INTERNAL:
                continue
            if isinstance(value, _FUNCTIONS) or (name == "forward" and callable(value)):
                functions[name] = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
                continue
            try:
                attributes[name] = encode(value)
            except NotPlain:
                continue  # as the class makes it
        shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys([*module._parameters, *module._buffers])
        shapes |= {name: tuple(tensor.shape) for name, (_, tensor) in own_tensors(module).items()}
        children = {name: child is not None for name, child in module._modules.items()}
        return cls(name_of(module), attributes, functions, shapes, children, hooks_of(module))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The modules of a model by their path; ``""`` is the model itself."""

    bones: Mapping[str, Bone]

    @classmethod
    def of(cls, model: nn.Module) -> Skeleton:
        """Return that of ``model``, which it does not keep alive."""
        return cls({path: Bone.of(module) for path, module in model.named_modules(remove_duplicate=False)})


def hooks_of(module: nn.Module) -> int:
    """Return how many functions run before or after each call of ``module``."""
    return sum(len(vars(module)[name]) for name in _RUN)


def own_tensors(module: nn.Module) -> dict[str, tuple[Place, Tensor]]:
    """Return the tensors that ``module`` itself holds, by name."""
    found: dict[str, tuple[Place, Tensor]] = {}
    for name, parameter in module._parameters.items():
        if parameter is not None:
            found[name] = ("parameter", parameter)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            found[name] = ("transient" if name in module._non_persistent_buffers_set else "buffer", buffer)
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            found[name] = ("attribute", value)
    return found


def join(path: str, name: str) -> str:
    """Return the path of the part ``name`` of the module at ``path``."""
    return f"{path}.{name}" if path else name


def called(path: str) -> str:
    """Return what an error calls the module at ``path``."""
    return f"layer {path[:120]}" if path else "the model itself"

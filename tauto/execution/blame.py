"""Finds the part of an object that cannot be sent to another process, and names it as the user would."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from tauto.execution.importable import travelling_pickler

__all__ = ["explain"]

_FACTORY = (
    "Take it out of the model, or pass factory=, a function without arguments that builds the model: "
    "then only its weights (the state_dict) are sent."
)
_VARIABLE = "Create it inside the function that needs it, or leave it out."


def explain(value: Any, name: str, way: str | None = None) -> str | None:
    """Return a message that names the part of ``value`` that cannot be sent; None when it all can be.

    ``name`` is what the user calls ``value``. Of a dictionary or a dataclass the entries' own names are used.
    ``way`` says what to do about it, where the usual advice does not fit.
    """
    with travelling_pickler() as pickler:
        for path, part in _roots(value, name):
            if (error := _refusal(part, pickler)) is not None:
                return _message(*_descend(path, part, error, pickler), way)
        error = _refusal(value, pickler)
    return error and _message(name, value, error, True, way)


def _roots(value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return list(value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, nn.Module | type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return [(name, value)]


def _message(path: str, part: Any, error: str, in_model: bool, way: str | None) -> str:
    kind = type(part)
    prefix = "" if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}."
    way = way or (_FACTORY if in_model else _VARIABLE)
    return f"{path} (a {prefix}{kind.__qualname__}) cannot be sent to another process: {error}. {way}"


def _refusal(value: Any, pickler: type[Any]) -> str | None:
    """Return why ``value`` cannot be pickled, or None. The weights themselves are passed over."""

    class WithoutWeights(pickler):  # type: ignore[misc]
        def persistent_id(self, obj: Any) -> Any:
            return "storage" if isinstance(obj, torch.TypedStorage) or torch.is_storage(obj) else None

    try:
        WithoutWeights(io.BytesIO(), protocol=2).dump(value)
    except RecursionError:
        return "it is nested too deeply"
    except Exception as error:
        return _special(value) or (str(error).strip().rstrip(".") or type(error).__name__).splitlines()[0]
    return None


def _special(value: Any) -> str | None:
    """Return what is the matter with modules that refuse as a whole, whatever their parts."""
    if isinstance(value, torch.jit.ScriptModule):
        return "it is a scripted (TorchScript) module"
    if isinstance(value, nn.Module) and is_parametrized(value):
        return "it is parametrized (as weight_norm and spectral_norm do)"
    return None


def _descend(path: str, value: Any, error: str, pickler: type[Any]) -> tuple[str, Any, str, bool]:
    """Follow the first part that fails on its own, down to one whose parts all can be sent."""
    in_model, seen = isinstance(value, nn.Module), {id(value)}
    while True:
        for suffix, part in _parts(value):
            if id(part) not in seen and (reason := _refusal(part, pickler)) is not None:
                path, value, error = path + suffix, part, reason
                in_model = in_model or isinstance(part, nn.Module)
                seen.add(id(part))
                break
        else:
            return path, value, error, in_model


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of ``value``, each with what leads to it in the user's terms."""
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, FunctionType):
        yield from _variables(value)
    elif isinstance(value, MethodType):
        yield from (("'s object", value.__self__), ("", value.__func__))
    elif isinstance(value, functools.partial):
        yield from (("'s function", value.func), ("'s arguments", value.args), ("", value.keywords))
    elif isinstance(value, type):
        yield from ((f".{name}", getattr(item, "__func__", item)) for name, item in vars(value).items())
        yield from (("", base) for base in value.__bases__)
    elif _special(value) is None:
        yield from ((f".{name}", item) for name, item in _attributes(value).items())
        yield "", type(value)


def _attributes(value: Any) -> dict[str, Any]:
    attributes = dict(getattr(value, "__dict__", {}))
    if isinstance(value, nn.Module):
        for group in ("_parameters", "_buffers", "_modules"):
            attributes |= attributes.pop(group, {})
    for base in type(value).__mro__:
        for name in getattr(base, "__slots__", ()):
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                attributes.setdefault(name, getattr(value, name))
    return attributes


def _variables(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what ``function`` takes from outside itself."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"'s variable {name!r}", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield f"'s variable {name!r}", function.__globals__[name]
    yield from (("'s default", item) for item in function.__defaults__ or ())


def _names(code: CodeType) -> set[str]:
    nested = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*(_names(inner) for inner in nested))

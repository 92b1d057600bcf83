"""Whether a module can be imported by its name in another process, or must travel by value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

__all__ = ["importable", "travelling_pickler"]

_CACHED = type(lru_cache(lambda: None))


def importable(module: ModuleType) -> bool:
    """Return whether importing the name of ``module`` afresh finds the same file.

    Not so for a module loaded from a path (``file.py:name`` at the terminal, a test module), nor when another
    module of that name stands before it on ``sys.path``.
    """
    parent = module.__name__.rpartition(".")[0]
    path = None
    if parent:
        package = sys.modules.get(parent)
        if package is None or not importable(package):
            return False
        path = getattr(package, "__path__", None)
    for finder in sys.meta_path:
        spec = finder.find_spec(module.__name__, path)
        if spec is not None:
            return not spec.has_location or _same_file(spec.origin, module.__file__)
    # Made by its package as it was imported, such as torch.ops, and so again in the other process.
    return bool(parent) and module.__spec__ is None


def _same_file(one: str | None, other: str | None) -> bool:
    return one == other or (one is not None and other is not None and Path(one).resolve() == Path(other).resolve())


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    """Return ``function`` with an empty cache: cloudpickle sends those of ``functools`` by name alone."""
    return lru_cache(maxsize, typed)(function)


@contextmanager
def travelling_pickler() -> Iterator[type[Any]]:
    """Give a cloudpickle ``Pickler`` that sends classes and functions of unimportable modules by value.

    cloudpickle has a process-wide list of such modules; they are taken off it at the end.
    """
    decided: set[str] = {"__main__"}
    registered: list[ModuleType] = []

    def decide(name: str | None) -> None:
        module = sys.modules.get(name or "")
        if module is None or name is None or name in decided:
            return
        decided.add(name)
        if name not in cloudpickle.list_registry_pickle_by_value() and not importable(module):
            cloudpickle.register_pickle_by_value(module)
            registered.append(module)

    def by_value(function: Any) -> bool:
        decide(function.__module__)
        known = cloudpickle.list_registry_pickle_by_value() | {"__main__"}
        return function.__module__ in known or "<locals>" in function.__qualname__

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, _CACHED) and by_value(obj):
                return _cached, (obj.__wrapped__, *obj.cache_parameters().values())
            if isinstance(obj, type | FunctionType):
                decide(getattr(obj, "__module__", None))
            return super().reducer_override(obj)

    try:
        yield Pickler
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)

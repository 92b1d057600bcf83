"""A signature as a file, read by the processes that only load an engine.

Classes of a notebook or a script (``__main__``) are written by name and found again through the model's own
code, so that an answer is of the user's class and not of a copy of it.
"""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import IO, Any, cast

from torch import nn

from tauto.conversion.signature import Signature
from tauto.errors import CandidateFailed

__all__ = ["load_signature", "save_signature"]


def save_signature(signature: Signature, path: Path) -> None:
    """Write ``signature`` to ``path``."""
    with path.open("wb") as file:
        _Pickler(file).dump(signature)


def load_signature(path: Path, model: nn.Module) -> Signature:
    """Return what :func:`save_signature` wrote.

    Parameters
    ----------
    path : Path
        A file of this user's private folder: it is unpickled.
    model : torch.nn.Module
        The original, whose code names the classes of its answer.

    Raises
    ------
    CandidateFailed
        When a class of the answer cannot be found.
    """
    with path.open("rb") as file:
        return cast("Signature", _Unpickler(file, model).load())


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.__qualname__ if isinstance(obj, type) and not _importable(obj) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], model: nn.Module) -> None:
        super().__init__(file)
        self._model = model

    def persistent_load(self, pid: Any) -> Any:
        for found in _classes_named_by(self._model):
            if found.__qualname__ == pid:
                return found
        raise CandidateFailed(f"the class {pid} of its output is not found again; define it in a file and import it")


def _importable(kind: type) -> bool:
    if kind.__module__ == "__main__":  # another module in every process
        return False
    try:
        return reduce(getattr, kind.__qualname__.split("."), cast("Any", sys.modules[kind.__module__])) is kind
    except (AttributeError, KeyError):
        return False


def _classes_named_by(model: nn.Module) -> Iterator[type]:
    for module in model.modules():
        forward = inspect.unwrap(type(module).forward)
        if not inspect.isfunction(forward):
            continue
        seen = inspect.getclosurevars(forward)
        yield from (value for value in (*seen.nonlocals.values(), *seen.globals.values()) if isinstance(value, type))
    yield from (value for value in vars(sys.modules["__main__"]).values() if isinstance(value, type))

"""What is tuned, as digests of its parts: its code, the user's own functions that it calls, the data that it reads.

Two notebooks that run the same code on the same data have the same digests, whatever their comments, line numbers and
addresses are. Libraries are not looked into.
"""

from __future__ import annotations

import dis
import hashlib
import sysconfig
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tauto.workload.cell import Cell

__all__ = ["cell_parts", "changed_parts", "digest_of", "function_parts", "is_own_file", "parts_of"]

_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_CACHED = type(lru_cache(lambda: None))
_LETTERS = 16
_DEEPEST = 6
_OURS = str(Path(__file__).resolve().parents[2])
_LIBRARIES = tuple({str(Path(path)) for path in (*sysconfig.get_paths().values(), _OURS)})


def is_own_file(file: str) -> bool:
    """Whether code of this file is the user's: neither Python's, nor an installed library's, nor TAuto's."""
    return not file.startswith((*_LIBRARIES, "<frozen"))


def function_parts(function: FunctionType) -> dict[str, str]:
    """Return a digest for ``function``, and for each thing of the user's that it reads, by name."""
    found: dict[str, str] = {}
    _add_function(found, function.__name__, function)
    return found


def cell_parts(cell: Cell) -> dict[str, str]:
    """Return the same for a cell."""
    found = {"the cell": _of_code(cell.code)}
    for name in cell.reads:
        _add(found, name, cell.names[name])
    return found


def parts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest for each of ``values`` that is code or data, and for each thing of the user's that it reads."""
    found: dict[str, str] = {}
    for name, value in values.items():
        _add(found, name, value)
    return found


def digest_of(parts: Mapping[str, str]) -> str:
    """Return one digest of all the parts, eight letters."""
    return _hash(repr(sorted(parts.items())).encode())[:8]


def changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of what is not the same, or is there on one side alone."""
    return [name for name in dict.fromkeys([*now, *before]) if before.get(name) != now.get(name)]


def _add(found: dict[str, str], name: str, value: Any) -> None:
    if name in found or isinstance(value, ModuleType):
        return
    value = value.__func__ if isinstance(value, MethodType) else value
    value = value.__wrapped__ if isinstance(value, _CACHED) else value
    if isinstance(value, FunctionType):
        if is_own_file(value.__code__.co_filename):
            _add_function(found, name, value)
    elif isinstance(value, type):
        if value.__module__ == "__main__" or any(_is_own(item) for item in vars(value).values()):
            found[name] = _hash(repr(sorted(vars(value))).encode())
            for item in (item for item in vars(value).values() if _is_own(item)):
                _add_function(found, f"{name}.{item.__name__}", item)
    elif (data := _of_data(value, 0)) is not None:
        found[name] = data


def _is_own(value: Any) -> bool:
    return isinstance(value, FunctionType) and is_own_file(value.__code__.co_filename)


def _add_function(found: dict[str, str], name: str, function: FunctionType) -> None:
    defaults = [
        _of_data(item, 0) for item in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    ]
    found[name] = _hash(repr((_of_code(function.__code__), defaults)).encode())
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            _add(found, variable, cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    for variable in sorted(_loaded(function.__code__)):
        if variable in function.__globals__:
            _add(found, variable, function.__globals__[variable])


def _loaded(code: CodeType) -> set[str]:
    found = {str(step.argval) for step in dis.get_instructions(code) if step.opname in _LOADS}
    return found.union(*(_loaded(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _of_code(code: CodeType) -> str:
    constants = [_of_code(item) if isinstance(item, CodeType) else _written(item) for item in code.co_consts]
    return _hash(repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants)).encode())


def _written(constant: Any) -> str:
    # the order of a set of words differs from process to process
    return repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)


def _of_data(value: Any, depth: int) -> str | None:
    """Return the digest of data; None for what is no data, or of a kind that is not looked into."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return _hash(repr(value).encode())
    if isinstance(value, Tensor):
        return _of_tensor(value)
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if depth >= _DEEPEST:
        return None
    if isinstance(value, nn.Module):
        return _together(("module", type(value).__name__, *_items(value.state_dict().items(), depth)))
    if isinstance(value, Mapping):
        return _together(("mapping", *_items(value.items(), depth)))
    if isinstance(value, list | tuple):
        return _together(("sequence", *(_of_data(item, depth + 1) for item in value)))
    if isinstance(value, torch.utils.data.DataLoader):
        return _together(("loader", str(value.batch_size), _of_data(value.dataset, depth + 1)))
    if isinstance(value, torch.utils.data.TensorDataset):
        return _together(("data set", *(_of_data(item, depth + 1) for item in value.tensors)))
    return None


def _items(items: Iterable[tuple[Any, Any]], depth: int) -> list[str]:
    return [f"{name}={_of_data(item, depth + 1)}" for name, item in items]


def _of_tensor(value: Tensor) -> str | None:
    if value.layout != torch.strided or value.is_meta or value.is_quantized:
        return None
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    return _together((str(value.dtype), str(tuple(value.shape)), _hash(plain.view(-1).view(torch.uint8).numpy())))


def _of_array(value: np.ndarray[Any, Any]) -> str | None:
    if value.dtype.hasobject:
        return None
    return _together(
        (str(value.dtype), str(value.shape), _hash(np.ascontiguousarray(value).reshape(-1).view(np.uint8)))
    )


def _together(parts: Iterable[str | None]) -> str:
    return _hash("\n".join(map(str, parts)).encode())


def _hash(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()[:_LETTERS]

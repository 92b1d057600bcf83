"""A module compiled by TorchInductor, without a trace of it in the process's global settings."""

from __future__ import annotations

import itertools
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tauto.errors import FallbackWarning, ModelError
from tauto.techniques.quiet import quiet
from tauto.workload.structure import describe, map_tensors, tensors_of

__all__ = ["CompiledModule", "Shapes", "cached_in", "find_instruction_sets"]

Shapes = Literal["example", "any", "dynamic"]
"""``"any"`` takes a size for a variable once it is seen to change, ``"dynamic"`` from the first."""
_CACHE = "TORCHINDUCTOR_CACHE_DIR"
_VARIABLES = (_CACHE, "_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR")
"""Environment variables that Inductor sets while it compiles."""
_numbers = itertools.count()
_PLAIN = (bool, int, float, str, type(None))


class CompiledModule(nn.Module):
    """A module that is compiled when it is prepared, and only run afterwards.

    Calls never compile behind the caller's back: inputs that were not prepared are answered by the module
    itself and said once (``shapes="example"``), or prepared when they come (the other two). It is always
    called without gradients and outside of inference mode, since compiled code is bound to the mode it was
    compiled in; tensors made in inference mode are taken by their memory.

    Parameters
    ----------
    module : torch.nn.Module
        In eval mode; never changed.
    shapes : {"example", "any", "dynamic"}
        What inputs are compiled for.
    settings : Mapping
        Of ``torch._inductor.config``; they hold while it compiles, in this thread alone.
    folder : Path
        Inductor's cache; filled by the first process, read by the others.
    """

    def __init__(self, module: nn.Module, shapes: Shapes, settings: Mapping[str, Any], folder: Path) -> None:
        super().__init__()
        self.module = module
        self.shapes = shapes
        self._settings = dict(settings)
        self._folder = folder
        # what CUDA graphs return lies in memory that the next call writes to
        self._copies = bool(self._settings.get("triton.cudagraphs"))
        self._prepared: set[tuple[Any, ...]] = set()
        self._warned = False
        _make_globals_found(module)
        function = _isolated(module)
        with quiet():  # the compiler is imported here
            self._compile = torch.compile(function, dynamic=True if shapes == "dynamic" else None)
            # runs what was compiled and never compiles; an input that matches nothing runs as it is written
            self._run = torch._dynamo.run(function)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the compiled code, or the module itself for inputs it was not compiled for."""
        if torch.is_inference_mode_enabled() or torch.is_grad_enabled():
            with torch.inference_mode(False), torch.no_grad():
                return self.forward(*args, **kwargs)
        args = tuple(_ordinary(value) for value in args)
        kwargs = {name: _ordinary(value) for name, value in kwargs.items()}
        shape = _shape(args, kwargs)
        # compiled code is also bound to the number of threads
        if (shape, torch.get_num_threads()) in self._prepared:
            return self._own(self._run(*args, **kwargs))
        if self.shapes != "example" or any(known == shape for known, _ in self._prepared):
            return self._prepare(shape, args, kwargs)
        self._say_fallback((args, kwargs))
        return self.module(*args, **kwargs)

    def prepare(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
        """Compile for these inputs; return how many graphs were compiled.

        Raises
        ------
        Exception
            Whatever the compiler raises.
        """
        before = _compiled_graphs()
        with torch.inference_mode(False), torch.no_grad():
            args = tuple(_ordinary(value) for value in args)
            kwargs = {name: _ordinary(value) for name, value in kwargs.items()}
            self._prepare(_shape(args, kwargs), args, kwargs)
        return _compiled_graphs() - before

    def _prepare(self, shape: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with quiet(), cached_in(self._folder), _configured(self._settings, self.shapes):
            outputs = self._compile(*args, **kwargs)
        self._prepared.add((shape, torch.get_num_threads()))
        return self._own(outputs)

    def _own(self, outputs: Any) -> Any:
        return map_tensors(torch.clone, outputs) if self._copies else outputs

    def _say_fallback(self, inputs: Any) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"inputs {', '.join(describe(inputs))} are not those it was compiled for, so they are answered "
                "uncompiled. To compile for them, apply the recipe with them as inputs.",
                FallbackWarning,
                stacklevel=2,
            )

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledModule:
        return self  # nothing in it changes, and compiled code cannot be copied

    def __reduce__(self) -> Any:
        raise ModelError("a compiled model cannot be pickled. Keep its recipe (recipe.to_json()) and apply it again.")


def find_instruction_sets(folder: Path) -> None:
    """Have Inductor find out what the compiler can build for this processor, by what is in ``folder`` or is left there.

    It builds a small library for each instruction set, which takes ten seconds, and remembers it in this process alone.
    """
    from torch._inductor.cpu_vec_isa import valid_vec_isa_list

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with quiet(), cached_in(folder):
        valid_vec_isa_list()


def _make_globals_found(model: nn.Module) -> None:
    """Give a module that stands in for the user's the names that the model's code uses.

    The compiler looks a function's globals up in the module of that name. In a trial a notebook's ``__main__`` is
    empty: the model's classes came by value, with globals of their own.
    """
    for module in model.modules():
        names = getattr(type(module).forward, "__globals__", {})
        owner = sys.modules.get(names.get("__name__", ""))
        if owner is not None and vars(owner) is not names:
            for name, value in names.items():
                vars(owner).setdefault(name, value)


def _isolated(module: nn.Module) -> Callable[..., Any]:
    """Return a function that calls ``module``, with a code object and a name of its own.

    Compiled variants are counted by code object, up to a small limit, and shapes that vary are remembered by
    name: no two models may share either.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return module(*args, **kwargs)

    code = call.__code__.replace(co_name=f"call_{next(_numbers)}")
    return types.FunctionType(code, call.__globals__, code.co_name, None, call.__closure__)


def _ordinary(value: Any) -> Any:
    """Return ``value`` with each tensor made in inference mode replaced by an ordinary one on the same memory."""
    if isinstance(value, Tensor):
        if not value.is_inference():
            return value
        twin = torch.empty(0, dtype=value.dtype, device=value.device)
        return twin.set_(value.untyped_storage(), value.storage_offset(), value.shape, value.stride())
    return value if isinstance(value, _PLAIN) else map_tensors(_ordinary, value)


def _shape(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*map(_shape_of, args), *((name, _shape_of(value)) for name, value in kwargs.items()))


def _shape_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape, value.dtype
    if isinstance(value, _PLAIN):
        return value
    return tuple((tensor.shape, tensor.dtype) for tensor in tensors_of(value))


def _compiled_graphs() -> int:
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


@contextmanager
def _configured(settings: Mapping[str, Any], shapes: Shapes) -> Iterator[None]:
    import torch._dynamo.config
    import torch._inductor.config

    with (
        torch._inductor.config.patch(dict(settings)),
        # an error of the compiler must be heard, whatever the user has chosen for their own code; and what their
        # code was called with before must not decide what ours is compiled for
        torch._dynamo.config.patch(suppress_errors=False, automatic_dynamic_shapes=shapes != "example"),
    ):
        yield


@contextmanager
def cached_in(folder: Path) -> Iterator[None]:
    """Have Inductor keep its files in ``folder`` while the block runs."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ[_CACHE] = str(folder)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

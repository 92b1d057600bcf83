"""A model compiled by OpenVINO, called with torch tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tauto.conversion import converting
from tauto.conversion.openvino import import_openvino
from tauto.conversion.signal_stack import kept_signal_stack
from tauto.techniques.engines.module import Engine
from tauto.techniques.engines.openvino_files import read_graph

__all__ = ["FIXED_SHAPES", "OpenVinoEngine", "open_request"]

FIXED_SHAPES = 3
"""Shapes of calls that get a compiled model of their own, the fastest; all further ones share one of free shapes."""

_Shapes = tuple[torch.Size, ...]


class OpenVinoEngine(Engine):
    """Compiles for the shapes it is called with: the first :data:`FIXED_SHAPES` each alone, then one for all others.

    Parameters
    ----------
    folder : Path
        Holds the model.
    precision : str
        OpenVINO's hint: ``"f32"`` or ``"bf16"``.
    threads : int
        Threads of a call.
    cache : Path
        Where the first compiled model is kept, so that the next process loads it instead of compiling.
    first : tuple of torch.Size
        Shapes of the inputs to compile for at once.
    """

    def __init__(self, folder: Path, precision: str, threads: int, cache: Path, first: _Shapes) -> None:
        self.folder, self._how = folder, (precision, threads, cache, first)
        self._core = import_openvino().Core()
        self._options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
        }
        self._lock = threading.Lock()  # a request holds the inputs and outputs of one call
        self._fixed: dict[_Shapes, _Request] = {}
        self._free: _Request | None = None
        with converting("OpenVINO could not compile the model"):
            self._model, self._weights = read_graph(self._core, folder)
            self._fixed[first] = self._compiled_for(first, {"CACHE_DIR": str(cache)})

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the answer; calls from several threads wait for one another."""
        shapes = tuple(tensor.shape for tensor in tensors)
        with self._lock, torch.no_grad():
            request = self._fixed.get(shapes) or self._request(shapes)
            return request.run(tensors)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, *self._how)

    def _request(self, shapes: _Shapes) -> _Request:
        if len(self._fixed) < FIXED_SHAPES:
            self._fixed[shapes] = self._compiled_for(shapes, {})
            return self._fixed[shapes]
        if self._free is None:
            self._free = self._compiled(self._model, self._options)
        return self._free

    def _compiled_for(self, shapes: _Shapes, options: dict[str, str]) -> _Request:
        model = self._model.clone()
        model.reshape({port: list(shapes[_index(port)]) for port in model.inputs})
        return self._compiled(model, {**self._options, **options})

    def _compiled(self, model: Any, options: dict[str, Any]) -> _Request:
        with kept_signal_stack():
            return _Request(self._core.compile_model(model, "CPU", options))


class _Request:
    """One request, used again for every call.

    Tensors of known shape are set once, and values are copied in and out: that was measured faster than setting
    them at each call (35 against 56 µs on a small network), and the caller's tensors are never the engine's.
    """

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._inputs = [(index, _index(port)) for index, port in enumerate(compiled.inputs)]
        self._held_inputs = {index: self._hold_input(index) for index in _fixed(compiled.inputs)}
        self._held_outputs = {index: self._hold_output(index) for index in _fixed(compiled.outputs)}
        self._outputs = range(len(compiled.outputs))

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        kept = []  # what the engine reads in place must outlive the call
        for index, position in self._inputs:
            if index in self._held_inputs:
                self._held_inputs[index].copy_(tensors[position])
            else:
                kept.append(tensors[position].detach().contiguous())
                self._request.set_input_tensor(index, _shared(kept[-1]))
        self._request.infer()
        return [
            self._held_outputs[index].clone() if index in self._held_outputs else self._read(index)
            for index in self._outputs
        ]

    def _hold_input(self, index: int) -> Tensor:
        held = torch.from_numpy(self._request.get_input_tensor(index).data.copy())
        self._request.set_input_tensor(index, _shared(held))
        return held

    def _hold_output(self, index: int) -> Tensor:
        held = torch.from_numpy(self._request.get_output_tensor(index).data.copy())
        self._request.set_output_tensor(index, _shared(held))
        return held

    def _read(self, index: int) -> Tensor:
        return torch.from_numpy(self._request.get_output_tensor(index).data.copy())


def _shared(tensor: Tensor) -> Any:
    return import_openvino().Tensor(tensor.numpy(), shared_memory=True)


def _fixed(ports: Sequence[Any]) -> list[int]:
    return [index for index, port in enumerate(ports) if port.partial_shape.is_static]


def _index(port: Any) -> int:
    """Return which input of the model this is: converters may drop those that it does not read."""
    return int(port.any_name.removeprefix("input"))


def open_request(model: Any, precision: str) -> Callable[[list[Tensor]], list[Tensor]]:
    """Return a function of a list of tensors that runs ``model``; the script of the technique has its text."""
    import openvino

    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def run(tensors: list[Tensor]) -> list[Tensor]:
        answer = request.infer([tensor.detach().contiguous().numpy() for tensor in tensors])
        return [torch.from_numpy(array.copy()) for array in answer.values()]

    return run

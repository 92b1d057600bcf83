"""A model compiled by OpenVINO, called with torch tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
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
Array = NDArray[Any]


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
    streams : int
        Pieces in which a batch is answered beside one another; one that cannot be cut in so many is answered whole.
    batched : tuple of int
        The inputs that are cut, along dimension 0.
    """

    def __init__(
        self,
        folder: Path,
        precision: str,
        threads: int,
        cache: Path,
        first: _Shapes,
        streams: int = 1,
        batched: tuple[int, ...] = (),
    ) -> None:
        self.folder, self._how = folder, (precision, threads, cache, first, streams, batched)
        self._streams, self._batched = streams, batched
        self._core = import_openvino().Core()
        self._options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
        }
        self._lock = threading.Lock()  # a request holds the inputs and outputs of one call
        self._fixed: dict[_Shapes, _Request | _Streams] = {}
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

    def _request(self, shapes: _Shapes) -> _Request | _Streams:
        if len(self._fixed) < FIXED_SHAPES:
            self._fixed[shapes] = self._compiled_for(shapes, {})
            return self._fixed[shapes]
        if self._free is None:
            self._free = self._compiled(self._model, self._options)
        return self._free

    def _compiled_for(self, shapes: _Shapes, options: dict[str, str]) -> _Request | _Streams:
        even = self._streams > 1 and shapes[self._batched[0]][0] % self._streams == 0
        pieces = self._streams if even else 1
        cut = [
            [shape[0] // pieces, *shape[1:]] if index in self._batched else list(shape)
            for index, shape in enumerate(shapes)
        ]
        model = self._model.clone()
        model.reshape({port: cut[_index(port)] for port in model.inputs})
        if pieces == 1:
            return self._compiled(model, {**self._options, **options})
        side_by_side = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": pieces}
        return _Streams(self._compile(model, {**self._options, **side_by_side, **options}), pieces, self._batched)

    def _compiled(self, model: Any, options: dict[str, Any]) -> _Request:
        return _Request(self._compile(model, options))

    def _compile(self, model: Any, options: dict[str, Any]) -> Any:
        with kept_signal_stack():
            return self._core.compile_model(model, "CPU", options)


class _Request:
    """One request, used again for every call.

    Tensors of known shape are set once, and values are copied in and out: that was measured faster than setting
    them at each call (35 against 56 µs on a small network), and the caller's tensors are never the engine's. NumPy
    copies them: torch does so in several threads, which then wait for more and take the cores from the engine (a
    ResNet-18 took 9.0 ms instead of 5.2).
    """

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._inputs = [(index, _index(port)) for index, port in enumerate(compiled.inputs)]
        self._held_inputs = {index: self._hold_input(index) for index in _fixed(compiled.inputs)}
        self._held_outputs = {index: self._hold_output(index) for index in _fixed(compiled.outputs)}
        self._outputs = range(len(compiled.outputs))

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        kept = self._take(tensors)  # what the engine reads in place must outlive the call
        self._request.infer()
        del kept
        return [torch.from_numpy(output.copy()) for output in self._answers()]

    def start(self, tensors: Sequence[Tensor]) -> None:
        """Begin with a call of known shape; :meth:`finish` waits for it."""
        self._take(tensors)
        self._request.start_async()

    def finish(self) -> list[Tensor]:
        """Return the answer, in memory that the next call writes to."""
        self._request.wait()
        return [torch.from_numpy(output) for output in self._answers()]

    def _take(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        kept = []
        for index, position in self._inputs:
            if index in self._held_inputs:
                np.copyto(self._held_inputs[index], tensors[position].numpy(force=True))
            else:
                kept.append(tensors[position].detach().contiguous())
                self._request.set_input_tensor(index, _held(kept[-1].numpy()))
        return kept

    def _answers(self) -> list[Array]:
        return [
            self._held_outputs[index] if index in self._held_outputs else self._read(index) for index in self._outputs
        ]

    def _hold_input(self, index: int) -> Array:
        held: Array = self._request.get_input_tensor(index).data.copy()
        self._request.set_input_tensor(index, _held(held))
        return held

    def _hold_output(self, index: int) -> Array:
        held: Array = self._request.get_output_tensor(index).data.copy()
        self._request.set_output_tensor(index, _held(held))
        return held

    def _read(self, index: int) -> Array:
        read: Array = self._request.get_output_tensor(index).data
        return read


class _Streams:
    """Requests that answer the pieces of a batch beside one another, each on its part of the threads."""

    def __init__(self, compiled: Any, pieces: int, batched: tuple[int, ...]) -> None:
        self._requests = [_Request(compiled) for _ in range(pieces)]
        self._batched = batched

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        pieces = len(self._requests)
        parts = [
            tensor.chunk(pieces) if index in self._batched else [tensor] * pieces
            for index, tensor in enumerate(tensors)
        ]
        for request, part in zip(self._requests, zip(*parts, strict=True), strict=True):
            request.start(part)
        answers = [request.finish() for request in self._requests]
        return [torch.cat(same) for same in zip(*answers, strict=True)]


def _held(array: Array) -> Any:
    return import_openvino().Tensor(array, shared_memory=True)


def _fixed(ports: Sequence[Any]) -> list[int]:
    return [index for index, port in enumerate(ports) if port.partial_shape.is_static]


def _index(port: Any) -> int:
    """Return which input of the model this is: converters may drop those that it does not read."""
    return int(port.any_name.removeprefix("input"))


def open_request(model: Any, precision: str, streams: int = 1) -> Callable[[list[Tensor]], list[Tensor]]:
    """Return a function of a list of tensors that runs ``model``; the script of the technique has its text.

    With ``streams`` the batch (dimension 0 of the tensors) is answered in so many pieces, beside one another.
    """
    import openvino

    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": streams,
    }
    compiled = openvino.Core().compile_model(model, "CPU", options)
    requests = [compiled.create_infer_request() for _ in range(streams)]

    def run(tensors: list[Tensor]) -> list[Tensor]:
        batch = next((tensor.shape[0] for tensor in tensors if tensor.ndim), 1)
        pieces = streams if batch % streams == 0 else 1
        parts = [t.detach().chunk(pieces) if t.ndim and t.shape[0] == batch else [t.detach()] * pieces for t in tensors]
        arrays = [[tensor.contiguous().numpy() for tensor in part] for part in zip(*parts, strict=True)]
        used = requests[:pieces]
        for request, part in zip(used, arrays, strict=True):
            request.start_async(part)
        for request in used:
            request.wait()
        outputs = range(len(compiled.outputs))
        return [torch.cat([torch.from_numpy(each.get_output_tensor(i).data) for each in used]) for i in outputs]

    return run

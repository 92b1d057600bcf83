"""ONNX Runtime: the model as an ONNX graph, in float32 or with int8 weights and dynamic activations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from tauto.conversion import Exported, Signature, converting, write_onnx
from tauto.conversion.onnx import MODEL
from tauto.hardware import Hardware
from tauto.techniques.engine_module import Engine, EngineModule, engine_applies, prepared, saturates
from tauto.techniques.engine_script import DEFINITIONS, IMPORTS, VNNI
from tauto.techniques.listing import listed
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxRuntime", "OnnxRuntimeConfig"]

_PROTOBUF_LIMIT = 2_000_000_000

Precision = Literal["float32", "int8_dynamic"]

_QUANTIZATION = {"op_types_to_quantize": ["MatMul", "LSTM"], "per_channel": True}
"""Operators with int8 kernels on every CPU (ConvInteger has none for int8 weights; Gemm becomes MatMul)."""


@dataclass(frozen=True, slots=True)
class OnnxRuntimeConfig(Config):
    """What the graph computes in.

    Parameters
    ----------
    precision : {"float32", "int8_dynamic"}
        ``"int8_dynamic"`` keeps the weights of linear and LSTM layers in int8 and quantizes their inputs at each call.
    """

    precision: Precision = "float32"


class OnnxRuntimeEngine(Engine):
    """A session on the CPU."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.threads = folder, threads
        with converting("ONNX Runtime could not load the model"):
            # ``run`` was measured faster than I/O binding from Python (10 against 28 µs), and its outputs are new
            self._run = open_session(folder / MODEL, threads)

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the answer; safe to call from several threads."""
        return self._run(tensors)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.threads)


@register
class OnnxRuntime(Technique):
    """Runs the model in ONNX Runtime."""

    name: ClassVar[str] = "onnxruntime"
    title: ClassVar[str] = "run in ONNX Runtime"
    family: ClassVar[Family] = "engine"
    config: ClassVar[type[Config]] = OnnxRuntimeConfig
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})
    modules: ClassVar[tuple[str, ...]] = ("onnxruntime", "onnx", "onnxscript")
    extra: ClassVar[str] = "onnxruntime"

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Apply to float32 models on the CPU."""
        return engine_applies(workload)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return float32, and int8 where there are layers that it quantizes."""
        kinds = (nn.Linear, nn.LSTM, nn.MultiheadAttention)
        quantizable = any(isinstance(module, kinds) for module in workload.model.modules())
        names: tuple[Precision, ...] = ("float32", "int8_dynamic") if quantizable else ("float32",)
        return tuple(OnnxRuntimeConfig(name) for name in names)

    def apply(self, workload: Workload, config: OnnxRuntimeConfig, context: Context) -> EngineModule:
        """Return the model in a session with as many threads as torch has now."""

        def write(exported: Exported, folder: Path) -> None:
            write_onnx(exported, folder)
            if config.precision == "int8_dynamic":
                _quantize(folder, saturates(context.hardware))

        def load(folder: Path, _: Signature) -> Engine:
            return OnnxRuntimeEngine(folder, torch.get_num_threads())

        return prepared(workload, context, write, load)

    def script(self, config: OnnxRuntimeConfig) -> Script:
        """Return the same in plain Python."""
        lines = ["path = Path(tempfile.mkdtemp()) / 'model.onnx'", "to_onnx(model, args, kwargs, path)"]
        imports, definitions = [*IMPORTS, "import onnxruntime"], [*DEFINITIONS, listed(open_session)]
        if config.precision == "int8_dynamic":
            imports += [
                "import onnx",
                "from collections import Counter",
                "from onnxruntime.quantization import quantize_dynamic",
            ]
            definitions.append(listed(untied))
            lines.append(
                f"quantize_dynamic(untied(onnx.load(path)), path, reduce_range=not {VNNI}, **{_QUANTIZATION!r})"
            )
        lines.append("model = InEngine(open_session(path, torch.get_num_threads()), model, args, kwargs).eval()")
        return Script(tuple(imports), "\n".join(lines), tuple(definitions))


def open_session(path: Path, threads: int) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Return a function of a list of tensors that runs the file; inputs are read in place, outputs are new memory."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    taken = [(node.name, int(node.name.removeprefix("input"))) for node in session.get_inputs()]

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        plain = [tensor.detach() if tensor.requires_grad else tensor for tensor in tensors]
        arrays = session.run(None, {name: plain[index].contiguous().numpy() for name, index in taken})
        return [torch.from_numpy(array) if array.ndim else torch.as_tensor(array) for array in arrays]

    return run


def untied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give every Gemm weights of its own, and forget inferred shapes: the quantizer transposes weights in place."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)
    for node in graph.node:
        if node.op_type == "Gemm" and uses[node.input[1]] > 1 and node.input[1] in weights:
            copy = graph.initializer.add()
            copy.CopyFrom(weights[node.input[1]])
            copy.name = node.input[1] = f"{node.input[1]}/{node.name}"
    del graph.value_info[:]
    return model


def _quantize(folder: Path, reduce_range: bool) -> None:
    """Put an int8 model in the place of the float32 one."""
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    path = folder / MODEL
    with converting("dynamic quantization by ONNX Runtime failed"):
        model = untied(onnx.load(path))
        large = model.ByteSize() >= _PROTOBUF_LIMIT
        for file in folder.iterdir():
            file.unlink()
        quantize_dynamic(model, path, use_external_data_format=large, reduce_range=reduce_range, **_QUANTIZATION)

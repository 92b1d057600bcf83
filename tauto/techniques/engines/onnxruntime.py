"""ONNX Runtime: the model as an ONNX graph, in float32 or in fewer bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from tauto.conversion import OnnxExport, Signature, calibration, converting, export_onnx
from tauto.conversion.onnx import MODEL
from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engines import onnxruntime_quantized as narrowing
from tauto.techniques.engines.module import ARTEFACT, Engine, EngineModule, engine_applies, prepared, saturates
from tauto.techniques.engines.onnxruntime_files import copy_plain, finish_narrow
from tauto.techniques.engines.script import DEFINITIONS, IMPORTS, VNNI
from tauto.techniques.engines.tables import TABLE_DEFINITIONS, TABLE_IMPORTS, embedding_tables, narrow_onnx_tables
from tauto.techniques.listing import listed
from tauto.techniques.quantization.calibration import MOST_CALLS, calibration_words, read_calibration, write_calibration
from tauto.techniques.quantization.keeping import check_found, check_kept
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

__all__ = ["OnnxRuntime", "OnnxRuntimeConfig", "unsuited"]

Precision = Literal["float32", "int8_dynamic", "int8_static", "int8_weights", "int4_weights"]
Observer = Literal["minmax", "average", "percentile", "entropy"]

_BITS = {"int8_weights": 8, "int4_weights": 4}
_GROUP = 32


@dataclass(frozen=True, slots=True)
class OnnxRuntimeConfig(Config):
    """What the graph computes in.

    Parameters
    ----------
    precision : {"float32", "int8_dynamic", "int8_static", "int8_weights", "int4_weights"}
        ``"int8_dynamic"`` keeps the weights of linear and LSTM layers in int8 and quantizes their inputs at each call;
        ``"int8_static"`` quantizes convolutions and linear layers with ranges from the workload's samples;
        ``"int8_weights"`` and ``"int4_weights"`` are linear layers narrow in memory alone.
    observer : {"minmax", "average", "percentile", "entropy"} or None
        How ``"int8_static"`` tells ranges from the samples; None is ``"minmax"``.
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    group : {32, 64, 128} or None
        Weights of a row that share a scale in ``"int8_weights"`` and ``"int4_weights"``; None is 32.
    """

    precision: Precision = "float32"
    observer: Observer | None = None
    keep: tuple[str, ...] = ()
    group: Literal[32, 64, 128] | None = None

    def __post_init__(self) -> None:
        if self.group is not None and self.precision not in _BITS:
            raise ValueError(f"group={self.group} is of int8_weights and int4_weights alone")


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
    exports = True
    config: ClassVar[type[Config]] = OnnxRuntimeConfig
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})
    modules: ClassVar[tuple[str, ...]] = ("onnxruntime", "onnx", "onnxscript")
    extra: ClassVar[str] = "onnxruntime"
    own_kernels: ClassVar[bool] = True

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Apply to float32 models on the CPU."""
        return engine_applies(workload)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return float32, and int8 where there are layers that it quantizes."""
        return tuple(OnnxRuntimeConfig(name) for name in _TRIED if not unsuited(workload.model, name))

    def apply(self, workload: Workload, config: OnnxRuntimeConfig, context: Context) -> EngineModule:
        """Return the model in a session with as many threads as torch has now."""
        if reason := unsuited(workload.model, config.precision):
            raise CandidateFailed(reason)
        check_kept(workload.model, config.keep)

        def write(exported: OnnxExport, folder: Path) -> None:
            check_found(exported.file, workload.model, config.keep)
            if config.precision == "float32":
                copy_plain(exported.folder, folder)
                return
            folder.mkdir(mode=0o700, exist_ok=True)
            calls = calibration(workload, exported.signature.parameters) if config.precision == "int8_static" else []
            _narrow(exported.file, folder / MODEL, config, calls, saturates(context.hardware))
            finish_narrow(folder / MODEL, embedding_tables(workload.model, config.keep))
            if config.precision == "int8_static":
                write_calibration(folder, workload)

        def load(folder: Path, _: Signature) -> Engine:
            return OnnxRuntimeEngine(folder, torch.get_num_threads())

        module = prepared(workload, context, lambda: export_onnx(workload, context.shared), write, load)
        if config.precision == "int8_static":
            module.note = calibration_words(workload.sample_count)
        return module

    def account(self, config: OnnxRuntimeConfig, context: Context) -> Account:
        """Return what its ranges come from."""
        return read_calibration(context.folder / ARTEFACT)

    def script(self, config: OnnxRuntimeConfig) -> Script:
        """Return the same in plain Python."""
        lines = ["path = Path(tempfile.mkdtemp()) / 'model.onnx'", "to_onnx(model, args, kwargs, path)"]
        imports, definitions = [*IMPORTS, "import onnxruntime"], [*DEFINITIONS, listed(open_session)]
        if config.precision != "float32":
            function, arguments = _in_words(config)
            imports += [*narrowing.IMPORTS, *TABLE_IMPORTS]
            definitions += [*narrowing.DEFINITIONS, *TABLE_DEFINITIONS, listed(function), listed(narrow_onnx_tables)]
            lines += [
                f"{function.__name__}(untied(onnx.load(path)), path, {arguments})",
                "graph = onnx.load(path)",
                f"narrow_onnx_tables(graph, embedding_tables(model, {config.keep!r}))",
                "onnx.save(graph, path)",
            ]
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
        arrays = session.run(None, {name: tensors[index].contiguous().numpy(force=True) for name, index in taken})
        return [torch.from_numpy(array) if array.ndim else torch.as_tensor(array) for array in arrays]

    return run


_TRIED: tuple[Precision, ...] = ("float32", "int8_static", "int8_dynamic")
_LINEAR = (nn.Linear, nn.MultiheadAttention)
_SUITED: dict[str, tuple[type[nn.Module], ...]] = {
    "int8_dynamic": (*_LINEAR, nn.LSTM),
    "int8_static": (*_LINEAR, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d),
    "int8_weights": _LINEAR,
    "int4_weights": _LINEAR,
}


def unsuited(model: nn.Module, precision: str) -> str:
    """Return why there is nothing in ``model`` to quantize so; empty when there is."""
    kinds = _SUITED.get(precision)
    if kinds is None or any(isinstance(module, kinds) for module in model.modules()):
        return ""
    words = {"int8_dynamic": "linear or LSTM", "int8_static": "linear or convolutional"}.get(precision, "linear")
    return f"the model has no {words} layer, and ONNX Runtime quantizes no other so"


def _in_words(config: OnnxRuntimeConfig) -> tuple[Callable[..., None], str]:
    """Return the function that quantizes, and what the script calls it with after the graph and the path."""
    if config.precision == "int8_dynamic":
        return narrowing.quantized_as_it_comes, f"not {VNNI}, {config.keep!r}"
    if config.precision == "int8_static":
        calls = f"[[t.contiguous().numpy() for t in flatten(call)[0]] for call in data[:{MOST_CALLS}]]"
        return narrowing.quantized_by_calls, f"not {VNNI}, {config.keep!r}, {calls}, {config.observer!r}"
    return narrowing.quantized_weights, f"{_BITS[config.precision]}, {config.group or _GROUP}, {config.keep!r}"


def _narrow(
    graph: Path, path: Path, config: OnnxRuntimeConfig, calls: Sequence[Sequence[Tensor]], narrow: bool
) -> None:
    """Write the float32 ``graph`` in fewer bits to ``path``."""
    import onnx

    words = "dynamic quantization" if config.precision == "int8_dynamic" else "quantization"
    with converting(f"{words} by ONNX Runtime failed"):
        model = narrowing.untied(onnx.load(graph))
        if config.precision == "int8_dynamic":
            narrowing.quantized_as_it_comes(model, path, narrow, config.keep)
        elif config.precision == "int8_static":
            arrays = [[tensor.detach().contiguous().numpy() for tensor in call] for call in calls[:MOST_CALLS]]
            narrowing.quantized_by_calls(model, path, narrow, config.keep, arrays, config.observer)
        else:
            narrowing.quantized_weights(model, path, _BITS[config.precision], config.group or _GROUP, config.keep)

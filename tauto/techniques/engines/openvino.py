"""OpenVINO: the model as an intermediate representation, in float32, bfloat16 or fewer bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from tauto.conversion import OnnxExport, Signature, calibration, converting, export_onnx
from tauto.conversion.openvino import import_nncf, import_openvino
from tauto.conversion.signal_stack import kept_signal_stack
from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engines import openvino_quantized as narrowing
from tauto.techniques.engines.module import ARTEFACT, Engine, EngineModule, engine_applies, prepared, saturates
from tauto.techniques.engines.openvino_files import write_graph
from tauto.techniques.engines.openvino_model import OpenVinoEngine, open_request
from tauto.techniques.engines.script import DEFINITIONS, IMPORTS, VNNI
from tauto.techniques.engines.tables import TABLE_DEFINITIONS, TABLE_IMPORTS, embedding_tables, narrow_openvino_tables
from tauto.techniques.listing import listed
from tauto.techniques.quantization.calibration import MOST_CALLS, calibration_words, read_calibration, write_calibration
from tauto.techniques.quantization.keeping import check_found, check_kept, ignored_operations
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

__all__ = ["OpenVino", "OpenVinoConfig"]

Precision = Literal["float32", "bfloat16", "int8", "int8_weights", "int4_weights"]
Observer = Literal["minmax", "average", "quantile", "histogram"]

_BITS = {"int8_weights": 8, "int4_weights": 4}
_GROUP = 32
MOST_STREAMS = 64


@dataclass(frozen=True, slots=True)
class OpenVinoConfig(Config):
    """What the model computes in.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "int8", "int8_weights", "int4_weights"}
        ``"int8"`` is quantized after training by NNCF, calibrated on the workload's samples; ``"int8_weights"`` and
        ``"int4_weights"`` are narrow in memory alone.
    observer : {"minmax", "average", "quantile", "histogram"} or None
        How ``"int8"`` tells ranges from the samples; None chooses by their number.
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    group : {32, 64, 128} or None
        Weights of a row that share a scale in ``"int4_weights"``; None is 32.
    streams : int or None
        Pieces in which a batch is answered beside one another, each on its part of the threads, 2 to 64; for models
        that answer each row by itself. None answers it whole.
    """

    precision: Precision = "float32"
    observer: Observer | None = None
    keep: tuple[str, ...] = ()
    group: Literal[32, 64, 128] | None = None
    streams: int | None = None

    def __post_init__(self) -> None:
        if self.group is not None and self.precision != "int4_weights":
            raise ValueError(f"group={self.group} is of int4_weights alone")
        if self.streams is not None and not 2 <= self.streams <= MOST_STREAMS:
            raise ValueError(f"{self.streams} is not a number of streams from 2 to {MOST_STREAMS}")


@register
class OpenVino(Technique):
    """Runs the model in OpenVINO.

    The model goes through the ONNX file and not through OpenVINO's own reader of exported programs: that one
    turns every dimension of the inputs into a free one and takes two to four times as long.
    """

    name: ClassVar[str] = "openvino"
    title: ClassVar[str] = "running in OpenVINO"
    family: ClassVar[Family] = "engine"
    exports = True
    config: ClassVar[type[Config]] = OpenVinoConfig
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})
    modules: ClassVar[tuple[str, ...]] = ("openvino", "nncf", "onnx", "onnxscript")
    extra: ClassVar[str] = "openvino"
    own_kernels: ClassVar[bool] = True

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Apply to float32 models on the CPU."""
        return engine_applies(workload)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return int8 first, bfloat16 only where the CPU computes in it, and then each with a stream a thread."""
        names: tuple[Precision, ...] = ("int8", "bfloat16", "float32")
        able = [name for name in names if name != "bfloat16" or _has_bfloat16(hardware)]
        threads = min(torch.get_num_threads(), MOST_STREAMS)
        pieces = [None, threads] if threads > 1 and workload.example.batch % threads == 0 else [None]
        return tuple(OpenVinoConfig(name, streams=streams) for streams in pieces for name in able)

    def apply(self, workload: Workload, config: OpenVinoConfig, context: Context) -> EngineModule:
        """Return the model compiled for as many threads as torch has now."""
        if config.precision == "bfloat16" and not _has_bfloat16(context.hardware):
            raise CandidateFailed("this CPU does not compute in bfloat16 (AVX512_BF16 or AMX_BF16)")
        check_kept(workload.model, config.keep)

        def write(exported: OnnxExport, folder: Path) -> None:
            check_found(exported.file, workload.model, config.keep)
            _write_ir(
                exported.file, folder, lambda graph: _narrowed(graph, workload, exported, config, context.hardware)
            )
            if config.precision == "int8":
                write_calibration(folder, workload)

        def load(folder: Path, signature: Signature) -> Engine:
            hint = "bf16" if config.precision == "bfloat16" else "f32"
            call = signature.tensors(workload.example.args, workload.example.kwargs)
            shapes = tuple(tensor.shape for tensor in call)
            cut: tuple[int, tuple[int, ...]] = (1, ())
            if config.streams is not None:
                _check_pieces(signature, call, config.streams)
                cut = (config.streams, signature.batched)
            return OpenVinoEngine(folder, hint, torch.get_num_threads(), context.folder / "cache", shapes, *cut)

        module = prepared(workload, context, lambda: export_onnx(workload, context.shared), write, load)
        if config.precision == "int8":
            module.note = calibration_words(workload.sample_count)
        return module

    def account(self, config: OpenVinoConfig, context: Context) -> Account:
        """Return what its ranges come from."""
        return read_calibration(context.folder / ARTEFACT)

    def script(self, config: OpenVinoConfig) -> Script:
        """Return the same in plain Python."""
        hint = "bf16" if config.precision == "bfloat16" else "f32"
        lines = [
            "path = Path(tempfile.mkdtemp()) / 'model.onnx'",
            "to_onnx(model, args, kwargs, path)",
            "graph = openvino.Core().read_model(path)",
        ]
        imports, definitions = [*IMPORTS, "import openvino"], [*DEFINITIONS, listed(open_request)]
        if config.precision not in ("float32", "bfloat16"):
            imports += [*narrowing.IMPORTS, *TABLE_IMPORTS]
            lines.append(
                f"kept = ignored_operations(graph, onnx.load(path, load_external_data=False).graph, {config.keep!r})"
            )
            function = narrowing.quantized if config.precision == "int8" else narrowing.compressed
            definitions += [*narrowing.DEFINITIONS, *TABLE_DEFINITIONS]
            definitions += [listed(function), listed(narrow_openvino_tables)]
            lines.append(f"tables = embedding_tables(model, {config.keep!r})")
        if config.precision == "int8":
            lines += [
                "attention = any('Attention' in type(module).__name__ for module in model.modules())",
                f"calls = [[t.contiguous().numpy() for t in flatten(call)[0]] for call in data[:{MOST_CALLS}]]",
                f"graph = quantized(graph, calls, attention, not {VNNI}, {config.observer!r}, kept)",
                "graph = narrow_openvino_tables(graph, tables)",
            ]
        elif config.precision in _BITS:
            bits, group = _BITS[config.precision], config.group or _GROUP
            lines.append(f"graph = narrow_openvino_tables(compressed(graph, {bits}, {group}, kept), tables)")
        streams = f", {config.streams}" if config.streams else ""
        lines.append(f"model = InEngine(open_request(graph, {hint!r}{streams}), model, args, kwargs).eval()")
        return Script(tuple(imports), "\n".join(lines), tuple(definitions))


def _check_pieces(signature: Signature, call: Sequence[torch.Tensor], streams: int) -> None:
    """Raise where a call cannot be answered in pieces."""
    if not signature.per_sample:
        raise CandidateFailed("the model was not seen to answer each sample alone as in a batch, so none can be cut")
    if signature.batch is not None:
        raise CandidateFailed("only one batch size was converted, so a batch cannot be cut into smaller ones")
    if (batch := call[signature.batched[0]].shape[0]) % streams:
        raise CandidateFailed(f"a batch of {batch} cannot be cut into {streams} equal pieces")


def _has_bfloat16(hardware: Hardware) -> bool:
    return hardware.has("AVX512_BF16") or hardware.has("AMX_BF16")


def _write_ir(path: Path, folder: Path, change: Callable[[Any], Any]) -> None:
    openvino = import_openvino()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    with converting("OpenVINO could not convert the model"):
        graph = change(openvino.Core().read_model(path))
        write_graph(graph, folder)


def _narrowed(graph: Any, workload: Workload, exported: OnnxExport, config: OpenVinoConfig, hardware: Hardware) -> Any:
    """Return the graph in the precision asked for, where that is a matter of the graph."""
    if config.precision in ("float32", "bfloat16"):
        return graph
    import onnx

    import_nncf()
    kept = ignored_operations(graph, onnx.load(exported.file, load_external_data=False).graph, config.keep)
    tables = embedding_tables(workload.model, config.keep)
    if config.precision in _BITS:
        with converting("NNCF could not compress the weights"), kept_signal_stack():
            return narrow_openvino_tables(
                narrowing.compressed(graph, _BITS[config.precision], config.group or _GROUP, kept), tables
            )
    attention = any("Attention" in type(module).__name__ for module in workload.model.modules())
    calls = calibration(workload, exported.signature.parameters)[:MOST_CALLS]
    arrays = [[tensor.detach().contiguous().numpy() for tensor in call] for call in calls]
    with converting("quantization by NNCF failed"), kept_signal_stack():
        changed = narrowing.quantized(graph, arrays, attention, saturates(hardware), config.observer, kept)
        return narrow_openvino_tables(changed, tables)

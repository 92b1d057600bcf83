"""OpenVINO: the model as an intermediate representation, in float32, bfloat16 or int8."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from tauto.conversion import Exported, Signature, calibration, converting, write_onnx
from tauto.conversion.openvino import import_nncf, import_openvino
from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engine_module import Engine, EngineModule, engine_applies, prepared, saturates
from tauto.techniques.engine_script import DEFINITIONS, IMPORTS, VNNI
from tauto.techniques.listing import listed
from tauto.techniques.openvino_engine import MODEL, OpenVinoEngine, open_request
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

__all__ = ["OpenVino", "OpenVinoConfig"]

Precision = Literal["float32", "bfloat16", "int8"]

_CALIBRATION_CALLS = 300
"""Calls that NNCF collects statistics over, at most; its own default."""
_ENOUGH_SAMPLES = 32


@dataclass(frozen=True, slots=True)
class OpenVinoConfig(Config):
    """What the model computes in.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "int8"}
        ``"int8"`` is quantized after training by NNCF, calibrated on the workload's samples.
    """

    precision: Precision = "float32"


@register
class OpenVino(Technique):
    """Runs the model in OpenVINO.

    The model goes through the ONNX file and not through OpenVINO's own reader of exported programs: that one
    turns every dimension of the inputs into a free one and takes two to four times as long.
    """

    name: ClassVar[str] = "openvino"
    title: ClassVar[str] = "running in OpenVINO"
    family: ClassVar[Family] = "engine"
    config: ClassVar[type[Config]] = OpenVinoConfig
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})
    modules: ClassVar[tuple[str, ...]] = ("openvino", "nncf", "onnx", "onnxscript")
    extra: ClassVar[str] = "openvino"

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Apply to float32 models on the CPU."""
        return engine_applies(workload)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return int8 first; bfloat16 only where the CPU computes in it."""
        names: tuple[Precision, ...] = ("int8", "bfloat16", "float32")
        return tuple(OpenVinoConfig(name) for name in names if name != "bfloat16" or _has_bfloat16(hardware))

    def apply(self, workload: Workload, config: OpenVinoConfig, context: Context) -> EngineModule:
        """Return the model compiled for as many threads as torch has now."""
        if config.precision == "bfloat16" and not _has_bfloat16(context.hardware):
            raise CandidateFailed("this CPU does not compute in bfloat16 (AVX512_BF16 or AMX_BF16)")

        def write(exported: Exported, folder: Path) -> None:
            onnx = write_onnx(exported, folder.with_name(f"{folder.name}-onnx"))
            quantized = config.precision == "int8"
            _write_ir(onnx, folder, _Calibration.of(workload, exported, context) if quantized else None)
            shutil.rmtree(onnx.parent)

        def load(folder: Path, signature: Signature) -> Engine:
            hint = "bf16" if config.precision == "bfloat16" else "f32"
            call = signature.tensors(workload.example.args, workload.example.kwargs)
            shapes = tuple(tensor.shape for tensor in call)
            return OpenVinoEngine(folder, hint, torch.get_num_threads(), context.folder / "cache", shapes)

        module = prepared(workload, context, write, load)
        if config.precision == "int8":
            module.note = _calibration_note(workload.sample_count)
        return module

    def script(self, config: OpenVinoConfig) -> Script:
        """Return the same in plain Python."""
        hint = "bf16" if config.precision == "bfloat16" else "f32"
        lines = [
            "path = Path(tempfile.mkdtemp()) / 'model.onnx'",
            "to_onnx(model, args, kwargs, path)",
            "graph = openvino.Core().read_model(path)",
        ]
        imports = [*IMPORTS, "import openvino"]
        if config.precision == "int8":
            imports.append("import nncf")
            lines += [
                "attention = any('Attention' in type(module).__name__ for module in model.modules())",
                "graph = nncf.quantize(",
                "    graph,",
                "    nncf.Dataset([[t.contiguous().numpy() for t in flatten(call)[0]] for call in data]),",
                f"    subset_size=min(len(data), {_CALIBRATION_CALLS}),",
                "    model_type=nncf.ModelType.TRANSFORMER if attention else None,",
                "    advanced_parameters=nncf.AdvancedQuantizationParameters(",
                f"        overflow_fix=None if {VNNI} else nncf.OverflowFix.ENABLE",
                "    ),",
                ")",
            ]
        lines.append(f"model = InEngine(open_request(graph, {hint!r}), model, args, kwargs).eval()")
        return Script(tuple(imports), "\n".join(lines), (*DEFINITIONS, listed(open_request)))


@dataclass(frozen=True, slots=True)
class _Calibration:
    calls: list[list[Tensor]]
    transformer: bool
    saturates: bool

    @classmethod
    def of(cls, workload: Workload, exported: Exported, context: Context) -> _Calibration:
        modules = list(workload.model.modules())
        attention = any("Attention" in type(module).__name__ for module in modules)
        calls = calibration(workload, exported.signature.parameters)[:_CALIBRATION_CALLS]
        return cls(calls, attention, saturates(context.hardware))


def _calibration_note(samples: int) -> str:
    few = (
        "" if samples >= _ENOUGH_SAMPLES else f", fewer than the {_ENOUGH_SAMPLES} that make it dependable (give data=)"
    )
    return f"int8 ranges from {samples} sample{'' if samples == 1 else 's'}{few}"


def _has_bfloat16(hardware: Hardware) -> bool:
    return hardware.has("AVX512_BF16") or hardware.has("AMX_BF16")


def _write_ir(onnx: Path, folder: Path, calibration: _Calibration | None) -> None:
    openvino = import_openvino()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    with converting("OpenVINO could not convert the model"):
        model = openvino.Core().read_model(onnx)
    if calibration is not None:
        model = _quantized(model, calibration)
    with converting("OpenVINO could not save the model"):
        openvino.save_model(model, folder / MODEL, compress_to_fp16=False)


def _quantized(model: Any, calibration: _Calibration) -> Any:
    nncf = import_nncf()
    names = [port.any_name for port in model.inputs]

    def arrays(call: list[Tensor]) -> dict[str, Any]:
        return {name: call[int(name.removeprefix("input"))].detach().contiguous().numpy() for name in names}

    with converting("quantization by NNCF failed"):
        return nncf.quantize(
            model,
            nncf.Dataset(calibration.calls, arrays),
            subset_size=len(calibration.calls),
            model_type=nncf.ModelType.TRANSFORMER if calibration.transformer else None,
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE if calibration.saturates else None
            ),
        )

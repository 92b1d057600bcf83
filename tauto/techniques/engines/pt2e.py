"""Static int8 in torch itself: torchao's PT2E, compiled by TorchInductor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from tauto.conversion import Exported, Signature, converting, export
from tauto.conversion import calibration as calls_of
from tauto.errors import CandidateFailed, ModelError
from tauto.hardware import Hardware
from tauto.measurement import size_bytes
from tauto.techniques.engines import pt2e_quantized as narrowing
from tauto.techniques.engines.compilation import (
    account_of,
    compiler_applies,
    inductor_settings,
    refused,
    shapes_of,
)
from tauto.techniques.engines.compiled import CompiledModule
from tauto.techniques.engines.compiler_cache import compiler_folder, prepare, prepared_before
from tauto.techniques.engines.module import ARTEFACT, Engine, EngineModule, engine_applies, prepared, saturates
from tauto.techniques.engines.script import DEFINITIONS, IMPORTS, VNNI
from tauto.techniques.quantization.calibration import MOST_CALLS, calibration_words, read_calibration, write_calibration
from tauto.techniques.quantization.keeping import check_kept
from tauto.techniques.quantization.quantized import already_quantized, recurrent_applies
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Call, Workload
from tauto.workload.state import preserved_rng

__all__ = ["Int8Static", "Int8StaticConfig"]

Observer = Literal["minmax", "average", "histogram"]

_OBSERVERS = "observers.safetensors"
_OBSERVER = "activation_post_process_"
_KINDS = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)


@dataclass(frozen=True, slots=True)
class Int8StaticConfig(Config):
    """How ranges are told, and what is left out.

    Parameters
    ----------
    observer : {"minmax", "average", "histogram"} or None
        How ranges are told from the samples: the outermost, a moving average of each call's, or those that make the
        squared error least; None is ``"histogram"``.
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    """

    observer: Observer | None = None
    keep: tuple[str, ...] = ()


class InductorEngine(Engine):
    """A graph of int8 operators, run as it is written until it is compiled.

    Parameters
    ----------
    graph : torch.nn.Module
        Takes a list of tensors.
    """

    def __init__(self, graph: nn.Module) -> None:
        self._spread = _Spread(graph)
        self._compiled: CompiledModule | None = None

    @property
    def shipped_bytes(self) -> int:
        """Bytes of the graph's weights, scales and constants."""
        return size_bytes(self._spread.graph)

    def compile(self, calls: Sequence[Sequence[Tensor]], workload: Workload, context: Context) -> None:
        """Compile for these calls; whatever is of other shapes is answered as ``compile`` does."""
        settings = inductor_settings(True, context)
        meant = [Call(tuple(tensors)) for tensors in calls]
        folder = compiler_folder(self._spread, meant, settings, context)
        compiled = CompiledModule(self._spread, shapes_of(workload), settings, folder)
        prepare(folder, context, lambda: sum(compiled.prepare(call.args, {}) for call in meant))
        self._compiled = compiled

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the answer."""
        with torch.no_grad():
            return list((self._compiled or self._spread)(*tensors))

    def __deepcopy__(self, memo: dict[int, Any]) -> InductorEngine:
        return self  # nothing in it changes, and compiled code cannot be copied

    def __reduce__(self) -> tuple[Any, ...]:
        raise ModelError("a compiled model cannot be pickled. Keep its recipe (recipe.to_json()) and apply it again.")


class _Spread(nn.Module):
    """The graph as a function of tensors, which is what the compiler knows inputs by."""

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.graph(list(tensors)))


@register
class Int8Static(Technique):
    """Quantize linear layers and 2-d convolutions with ranges from the samples, and compile what comes of it.

    What is kept on disk are the ranges: each process exports the model anew and reads them, so that no program of
    another process is ever run.
    """

    name: ClassVar[str] = "int8_static"
    title: ClassVar[str] = "int8 by ranges from samples, compiled by TorchInductor"
    family: ClassVar[Family] = "engine"
    exports = True
    config: ClassVar[type[Config]] = Int8StaticConfig
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})
    modules: ClassVar[tuple[str, ...]] = ("torchao",)

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a C++ compiler, oneDNN, and layers that have int8 kernels."""
        for answer in (engine_applies(workload), recurrent_applies(workload.model), compiler_applies(hardware)):
            if not answer.applies:
                return answer
        if layer := already_quantized(workload.model):
            return Applicability.no(f"the model is quantized already: its layer {layer}")
        if not any(isinstance(module, _KINDS) for module in workload.model.modules()):
            return Applicability.no(
                "the model has no linear layer and no 2-d convolution, and torchao quantizes no other"
            )
        if not torch._C._has_mkldnn:
            return Applicability.no("this torch was built without oneDNN, which has the int8 kernels")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Int8StaticConfig, ...]:
        """Return the usual way to tell ranges alone: compiling takes long."""
        return (Int8StaticConfig(),)

    def apply(self, workload: Workload, config: Int8StaticConfig, context: Context) -> EngineModule:
        """Return the model in int8, compiled for the example's shapes."""
        check_kept(workload.model, config.keep)
        made: list[InductorEngine] = []

        def write(exported: Exported, folder: Path) -> None:
            made.append(InductorEngine(_calibrated(workload, exported, config, context.hardware, folder)))
            write_calibration(folder, workload)

        def load(folder: Path, _: Signature) -> InductorEngine:
            if not made:
                made.append(InductorEngine(_restored(workload, config, context.hardware, folder)))
            return made[0]

        module = prepared(workload, context, lambda: export(workload), write, load)
        try:
            made[0].compile(_compiled_for(workload, module.signature), workload, context)
        except CandidateFailed:
            raise
        except Exception as error:  # whatever the compiler raises
            raise refused(error) from error
        module.note = calibration_words(workload.sample_count)
        return module

    def account(self, config: Int8StaticConfig, context: Context) -> Account:
        """Return what its ranges come from."""
        ranges, compiled = read_calibration(context.folder / ARTEFACT), account_of(prepared_before(context))
        return Account(compiled.summary, (*ranges.notes, *compiled.notes))

    def script(self, config: Int8StaticConfig) -> Script:
        """Return the same in plain Python."""
        body = (
            f"kept = names_of(model, {config.keep!r})\n"
            f"graph = observed(exported(model, args, kwargs), kept, {config.observer!r}, not {VNNI})\n"
            f"for call in data[:{MOST_CALLS}]:\n"
            "    graph(flatten(call)[0])\n"
            "run = torch.no_grad()(torch.compile(quantized(graph)))\n"
            "with torch._inductor.config.patch(freezing=True):\n"
            "    run(flatten((args, kwargs))[0])  # compiles\n"
            "model = InEngine(lambda tensors: list(run(tensors)), model, args, kwargs).eval()"
        )
        return Script((*IMPORTS, *narrowing.IMPORTS), body, (*DEFINITIONS, *narrowing.DEFINITIONS))


def _observed(workload: Workload, exported: Exported, config: Int8StaticConfig, hardware: Hardware) -> Any:
    """Return the graph that watches its numbers.

    Raises
    ------
    CandidateFailed
        When a module that is to be kept computes nothing in it, or torchao refuses the program.
    """
    names = narrowing.names_of(workload.model, config.keep)
    with converting("torchao could not quantize it"):
        graph = narrowing.observed(exported.program, names, config.observer, saturates(hardware))
    known = {path for node in graph.graph.nodes for path, _ in node.meta.get("nn_module_stack", {}).values()}
    for kept in config.keep:
        if not known.intersection(narrowing.names_of(workload.model, (kept,))):
            raise CandidateFailed(f"keep: nothing in the exported program is computed by a call of {kept}")
    return graph


def _calibrated(
    workload: Workload, exported: Exported, config: Int8StaticConfig, hardware: Hardware, folder: Path
) -> nn.Module:
    """Return the int8 graph by the workload's samples, and write what was seen of them."""
    from safetensors.torch import save_file

    graph = _observed(workload, exported, config, hardware)
    watching = EngineModule(InductorEngine(graph), exported.signature)
    calls = calls_of(workload, exported.signature.parameters)[:MOST_CALLS] or [list(exported.witnesses[0].inputs)]
    with converting("calibration failed"):
        for tensors in calls:
            watching.answers(tensors)
    folder.mkdir(mode=0o700, exist_ok=True)
    save_file(_seen(graph), folder / _OBSERVERS)
    return _converted(graph)


def _restored(workload: Workload, config: Int8StaticConfig, hardware: Hardware, folder: Path) -> nn.Module:
    """Return the int8 graph by what another process saw."""
    from safetensors.torch import load_file

    with preserved_rng():
        graph = _observed(workload, export(workload), config, hardware)
    seen = load_file(folder / _OBSERVERS)
    if seen.keys() != _seen(graph).keys():
        raise CandidateFailed("the model is exported otherwise than when its ranges were taken")
    graph.load_state_dict(seen, strict=False)
    return _converted(graph)


def _seen(graph: nn.Module) -> dict[str, Tensor]:
    """Return what the observers hold, each on memory of its own."""
    return {name: value.clone() for name, value in graph.state_dict().items() if name.startswith(_OBSERVER)}


def _converted(graph: Any) -> nn.Module:
    with converting("torchao could not quantize it"):
        found: Any = narrowing.quantized(graph)
    if not any("dequantize" in str(node.target) for node in found.graph.nodes if node.op == "call_function"):
        raise CandidateFailed("nothing is quantized in it: no linear layer or 2-d convolution is called and not kept")
    return found  # type: ignore[no-any-return]


def _compiled_for(workload: Workload, signature: Signature) -> list[list[Tensor]]:
    """Return the calls to compile for: the example, and one of other shapes where these are the rule."""
    calls = [workload.example]
    if shapes_of(workload) == "any":
        calls += [call for call in workload.samples if call.shapes != workload.example.shapes][:1]
    return [signature.tensors(call.args, call.kwargs) for call in calls]

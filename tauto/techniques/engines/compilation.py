"""The model compiled into kernels of its own."""

from __future__ import annotations

import importlib.util
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engines.compiled import CompiledModule, Shapes
from tauto.techniques.proof import proved, reduced
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Call, Workload

__all__ = ["Compile", "CompileConfig", "cause_of", "compiler_applies", "inductor_settings", "shapes_of"]

_INSTALL = {
    "linux": "install g++ (Debian and Ubuntu: apt install g++), or set CXX to a compiler",
    "darwin": "xcode-select --install",
    "windows": "install the Visual Studio Build Tools with C++",
}


@dataclass(frozen=True, slots=True)
class CompileConfig(Config):
    """How it is compiled.

    Parameters
    ----------
    freezing : bool
        Treat the weights as constants: convolutions and linear layers get them packed for this CPU.
    shapes : {"example", "any"}
        Compile for the example's shapes and answer others uncompiled, or compile for others as they come.
    """

    freezing: bool = True
    shapes: Shapes = "example"


@register
class Compile(Technique):
    """Compile with TorchInductor: operators are fused, and the overhead of Python between them goes away."""

    name = "compile"
    title = "compiled by TorchInductor"
    family = "engine"
    config = CompileConfig
    comes_after = frozenset({"fusion", "layout", "precision", "quantization"})
    cannot_be_with = frozenset({"engine"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a C++ compiler and Python's headers on a CPU, Triton on a GPU."""
        return compiler_applies(hardware)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[CompileConfig, ...]:
        """Freezing first. Other shapes are compiled too when most samples are not of the example's."""
        shapes = shapes_of(workload)
        return (CompileConfig(True, shapes), CompileConfig(False, shapes))

    def apply(self, workload: Workload, config: CompileConfig, context: Context) -> nn.Module:
        """Return a copy that is compiled already, for the example and (``shapes="any"``) another sample."""
        folder = context.file("inductor", lambda part: part.mkdir(mode=0o700))
        settings = inductor_settings(config.freezing, context)
        compiled = CompiledModule(workload.copy_model(), config.shapes, settings, folder)
        graphs = 0
        for call in _calls(workload, config):
            try:
                graphs += compiled.prepare(call.args, call.kwargs)
            except Exception as error:  # whatever the compiler raises
                raise CandidateFailed(f"it could not be compiled: {cause_of(error)}") from error
        if not graphs:
            raise CandidateFailed("the compiler found nothing in it that it can compile")
        return proved(compiled, workload.example)

    def script(self, config: CompileConfig) -> Script:
        """Return the same in plain Python."""
        body = (
            "model = torch.compile(model)\n"
            f"with torch.no_grad(), torch._inductor.config.patch(freezing={config.freezing!r}):\n"
            "    model(*args, **kwargs)  # compiles"
        )
        return Script(("import torch", "import torch._inductor.config"), body)


def compiler_applies(hardware: Hardware) -> Applicability:
    """Say whether TorchInductor finds what it builds kernels with here; what to install where it does not."""
    if hardware.device == "cuda":
        if importlib.util.find_spec("triton") is None:
            return Applicability.no("Triton is not installed, and kernels for a GPU need it", "pip install triton")
        return Applicability.yes()
    if hardware.compiler is None:
        return Applicability.no("no C++ compiler was found", _INSTALL[hardware.platform])
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return Applicability.no(
            "Python's C headers (Python.h) are missing", "Debian and Ubuntu: apt install python3-dev"
        )
    return Applicability.yes()


def shapes_of(workload: Workload) -> Shapes:
    """Return ``"any"`` where most samples are not of the example's shapes, else ``"example"``."""
    same = sum(call.shapes == workload.example.shapes for call in workload.samples)
    return "example" if 2 * same >= len(workload.samples) else "any"


def inductor_settings(freezing: bool, context: Context) -> dict[str, Any]:
    """Return the settings of ``torch._inductor.config`` under which TAuto compiles, in a trial and in the kernel."""
    return {
        "freezing": freezing,
        "fx_graph_cache": True,
        # the place of a precompiled header is remembered for the whole process, and this folder may go before it does
        "cpp_cache_precompile_headers": False,
        # where files are only loaded no pool of threads is left behind; on a GPU it would be one of processes
        **({} if context.may_prepare and context.hardware.device == "cpu" else {"compile_threads": 1}),
    }


def cause_of(error: BaseException) -> str:
    """Return the error in words: the compiler's own, not that of the layers which hand it on."""
    inner = getattr(error, "inner_exception", None) or error
    return reduced(inner)


def _calls(workload: Workload, config: CompileConfig) -> list[Call]:
    others = [call for call in workload.samples if call.shapes != workload.example.shapes]
    return [workload.example, *(others[:1] if config.shapes == "any" else [])]

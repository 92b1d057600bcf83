"""The model compiled into kernels of its own."""

from __future__ import annotations

import importlib.util
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engines.compiled import CompiledModule, Shapes
from tauto.techniques.engines.compiler_cache import Prepared, compiler_folder, prepare, prepared_before
from tauto.techniques.engines.dynamo import failure_of
from tauto.techniques.proof import proved
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Call, Workload

__all__ = [
    "Compile",
    "CompileConfig",
    "Mode",
    "account_of",
    "compiler_applies",
    "inductor_settings",
    "refused",
    "shapes_of",
]

Mode = Literal["reduce-overhead", "max-autotune"]

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
    shapes : {"example", "any", "dynamic"}
        Compile for the example's shapes and answer others uncompiled; compile for others as they come; or compile once
        for sizes that may vary.
    mode : {"reduce-overhead", "max-autotune"} or None
        Replay the kernels as one CUDA graph (a GPU alone), or try several kernels of each product; None does neither.
    """

    freezing: bool = True
    shapes: Shapes = "example"
    mode: Mode | None = None


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
        """Return a copy that is compiled already, for the example and (where others are meant) another sample."""
        if config.mode == "reduce-overhead" and context.hardware.device != "cuda":
            raise CandidateFailed("reduce-overhead replays CUDA graphs, and there is no GPU here")
        calls = _calls(workload, config)
        settings = inductor_settings(config.freezing, context, config.mode)
        model = workload.copy_model()
        folder = compiler_folder(model, calls, {**settings, "shapes": config.shapes}, context)
        compiled = CompiledModule(model, config.shapes, settings, folder)
        try:
            found = prepare(folder, context, lambda: sum(compiled.prepare(call.args, call.kwargs) for call in calls))
        except CandidateFailed:
            raise
        except Exception as error:  # whatever the compiler raises
            raise refused(error) from error
        if not found.graphs:
            raise CandidateFailed("the compiler found nothing in it that it can compile")
        return proved(compiled, workload.example)

    def account(self, config: CompileConfig, context: Context) -> Account:
        """Return what compiling took, and whether it was in the cache."""
        return account_of(prepared_before(context))

    def script(self, config: CompileConfig) -> Script:
        """Return the same in plain Python."""
        options = ", dynamic=True" if config.shapes == "dynamic" else ""
        options += f", mode={config.mode!r}" if config.mode else ""
        body = (
            f"model = torch.compile(model{options})\n"
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


def inductor_settings(freezing: bool, context: Context, mode: Mode | None = None) -> dict[str, Any]:
    """Return the settings of ``torch._inductor.config`` under which TAuto compiles, in a trial and in the kernel."""
    options: dict[str, Any] = {}
    if mode is not None:
        from torch._inductor import list_mode_options

        options = list_mode_options(mode)
    return {
        **options,
        "freezing": freezing,
        "fx_graph_cache": True,
        # the place of a precompiled header is remembered for the whole process, and this folder may go before it does
        "cpp_cache_precompile_headers": False,
        # where files are only loaded no pool of threads is left behind; on a GPU it would be one of processes
        **({} if context.may_prepare and context.hardware.device == "cpu" else {"compile_threads": 1}),
    }


def refused(error: BaseException) -> CandidateFailed:
    """Return the failure of the compiler in one line: what failed, at which line of the user's, and what to try."""
    return CandidateFailed(f"it could not be compiled: {failure_of(error).words}")


def account_of(found: Prepared | None) -> Account:
    """Return in words what compiling took, cold and from the cache."""
    if found is None:
        return Account()
    graphs = "one graph" if found.graphs == 1 else f"{found.graphs} graphs"
    took = f"{found.took_s:.1f} s"
    if found.begin == "cached":
        cold = f"{found.cold_s:.1f} s"
        note = f"Compiled {graphs} in {took} from the cache of an earlier run; it took {cold} when nothing was there."
        return Account(f"compiled from the cache in {took} instead of {cold}", (note,))
    if found.begin == "partly":
        return Account("", (f"Compiled {graphs} in {took}; a part was in the cache, so that cold it takes longer.",))
    return Account("", (f"Compiled {graphs} in {took}, with nothing of it in the cache.",))


def _calls(workload: Workload, config: CompileConfig) -> list[Call]:
    others = [call for call in workload.samples if call.shapes != workload.example.shapes]
    return [workload.example, *(others[:1] if config.shapes != "example" else [])]

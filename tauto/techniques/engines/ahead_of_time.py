"""The model compiled ahead of time: AOTInductor's library, called without Python's and the compiler's guards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from tauto.conversion import Exported, Signature, converting, export
from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.engines.compilation import compiler_applies, inductor_settings, refused
from tauto.techniques.engines.compiled import cached_in, find_instruction_sets
from tauto.techniques.engines.module import Engine, EngineModule, engine_applies, prepared
from tauto.techniques.engines.script import DEFINITIONS, IMPORTS
from tauto.techniques.quiet import quiet
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

__all__ = ["AotInductor"]

_PACKAGE = "model.pt2"


class PackageEngine(Engine):
    """A library that AOTInductor built; it lies in TAuto's own folder and came from this machine alone.

    Parameters
    ----------
    folder : Path
        Holds the package.
    """

    def __init__(self, folder: Path) -> None:
        import torch._inductor  # slow to import

        self.folder = folder
        with quiet(), converting("the compiled library could not be loaded"):
            self._loader = torch._inductor.aoti_load_package(str(folder / _PACKAGE)).loader

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the answer."""
        # the library reads memory as it lay when it was built
        with torch.no_grad():
            return list(self._loader.run([tensor.detach().contiguous() for tensor in tensors]))

    def __deepcopy__(self, memo: dict[int, Any]) -> PackageEngine:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder,)


@register
class AotInductor(Technique):
    """Compile to a library ahead of time: the kernels of ``compile``, called without guards, and loaded in no time.

    https://docs.pytorch.org/docs/stable/torch.compiler_aot_inductor.html
    """

    name: ClassVar[str] = "aot_inductor"
    title: ClassVar[str] = "compiled ahead of time by AOTInductor"
    family: ClassVar[Family] = "engine"
    exports = True
    config: ClassVar[type[Config]] = Config
    comes_after: ClassVar[frozenset[str]] = frozenset({"fusion"})
    cannot_be_with: ClassVar[frozenset[str]] = frozenset({"engine", "precision", "quantization", "layout", "runtime"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a C++ compiler and Python's headers, and a float32 model on the CPU."""
        for answer in (engine_applies(workload), compiler_applies(hardware)):
            if not answer.applies:
                return answer
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """There is nothing to choose."""
        return (Config(),)

    def apply(self, workload: Workload, config: Config, context: Context) -> EngineModule:
        """Return the model in a library, built for any batch size where it can be exported so."""

        def write(exported: Exported, folder: Path) -> None:
            folder.mkdir(mode=0o700, exist_ok=True)
            _build(exported.program, folder / _PACKAGE, context)

        def load(folder: Path, _: Signature) -> Engine:
            return PackageEngine(folder)

        return prepared(workload, context, lambda: export(workload), write, load)

    def script(self, config: Config) -> Script:
        """Return the same in plain Python."""
        body = (
            "path = Path(tempfile.mkdtemp()) / 'model.pt2'\n"
            "torch._inductor.aoti_compile_and_package(exported(model, args, kwargs), package_path=str(path))\n"
            "library = torch._inductor.aoti_load_package(str(path)).loader\n"
            "run = torch.no_grad()(lambda tensors: library.run([tensor.contiguous() for tensor in tensors]))\n"
            "model = InEngine(run, model, args, kwargs).eval()"
        )
        return Script((*IMPORTS, "import torch._inductor"), body, DEFINITIONS)


def _build(program: torch.export.ExportedProgram, path: Path, context: Context) -> None:
    """Compile ``program`` into the package at ``path``, and leave nothing beside it."""
    import torch._inductor  # slow to import

    if context.cache is not None:
        find_instruction_sets(context.cache / "instruction-sets")
    try:
        with tempfile.TemporaryDirectory(dir=context.folder) as work, quiet(), cached_in(Path(work)), _settings_kept():
            torch._inductor.aoti_compile_and_package(
                program, package_path=str(path), inductor_configs=inductor_settings(False, context)
            )
    except CandidateFailed:
        raise
    except Exception as error:  # whatever the compiler raises
        raise refused(error) from error


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Put the settings of the process back: building a package changes some and leaves them so."""
    from torch._inductor import config

    before = config.save_config()
    try:
        yield
    finally:
        config.load_config(before)

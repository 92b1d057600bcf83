"""The step for one new token, compiled once and only run afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context
from tauto.techniques.engines.compilation import inductor_settings, refused
from tauto.techniques.engines.compiled import CompiledModule

__all__ = ["CompiledStep"]


class CompiledStep:
    """Calls ``module``, compiled for the first call that is made within :meth:`preparing`.

    Parameters
    ----------
    module : torch.nn.Module
        The step; its cache is among its arguments and keeps its shapes.
    folder : Path
        Where the compiler keeps its files: another process that is given them need not build them.
    hardware : Hardware
        This machine.
    may_prepare : bool
        Whether files may be built that are not there.
    """

    def __init__(self, module: nn.Module, folder: Path, hardware: Hardware, may_prepare: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        context = Context(folder, hardware, may_prepare=may_prepare)
        # packed copies of the weights would be made for each precision, and a step of one token reads them only once
        self._compiled = CompiledModule(module, "example", inductor_settings(False, context), folder)
        self._open = False

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Compile at the first call inside the ``with`` block.

        Raises
        ------
        CandidateFailed
            When the compiler refuses the step.
        """
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step; what was not prepared for runs uncompiled, and says so once."""
        if self._open:
            self._open = False
            try:
                graphs = self._compiled.prepare(args, kwargs)
            except Exception as error:  # whatever the compiler raises
                raise refused(error) from error
            if not graphs:
                raise CandidateFailed("the compiler found nothing in the step that it can compile")
        return self._compiled(*args, **kwargs)

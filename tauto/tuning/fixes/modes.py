"""Fixes of how the cell is run: for inference, in fewer bits, with other threads, with freed memory kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import torch
from torch import nn

from tauto.measurement import keep_freed_memory
from tauto.tuning.fixes.base import CellFix

__all__ = ["Autocast", "Inference", "KeepFreedMemory", "Threads"]

Original = Callable[..., Any]
_NO_CALL = "no model that it is for was called"


class Inference(CellFix):
    """Run under ``inference_mode()``, the model in ``eval()``."""

    nothing: ClassVar[str] = _NO_CALL

    def around_run(self) -> AbstractContextManager[Any]:
        """Return ``inference_mode()``, unless only some calls are meant."""
        return nullcontext() if self.options.get("only_eval_calls") else torch.inference_mode()

    def call(self, original: Original, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Call in ``eval()``; of a training loop only the calls that are in it already, without gradients."""
        if model not in self.targets:
            return original(model, *args, **kwargs)
        if self.options.get("only_eval_calls"):
            if model.training:
                return original(model, *args, **kwargs)
        elif self.options.get("eval_mode", True) and model.training:
            model.eval()
        self.engaged += 1
        with torch.inference_mode():
            return original(model, *args, **kwargs)


class Autocast(CellFix):
    """Call the model under autocast."""

    nothing: ClassVar[str] = _NO_CALL

    def call(self, original: Original, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Call with the operators that autocast lists in fewer bits."""
        if model not in self.targets:
            return original(model, *args, **kwargs)
        self.engaged += 1
        first = next(model.parameters(), None)
        device = self.options.get("device") or (first.device.type if first is not None else "cpu")
        dtype = getattr(torch, str(self.options.get("dtype", "bfloat16")))
        with torch.autocast(str(device).partition(":")[0], dtype=dtype):
            return original(model, *args, **kwargs)


class Threads(CellFix):
    """Run with another number of threads."""

    def around_run(self) -> AbstractContextManager[Any]:
        """Set the number; the process is this run's alone."""
        torch.set_num_threads(int(self.options["count"]))
        self.engaged += 1
        return nullcontext()


class KeepFreedMemory(CellFix):
    """Keep freed memory for the next call."""

    def around_run(self) -> AbstractContextManager[Any]:
        """Tell the C library; the process is this run's alone."""
        keep_freed_memory()
        self.engaged += 1
        return nullcontext()

"""Over how many samples a function judges a model, seen by how it calls it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from tauto.workload.call import Call

__all__ = ["CountedSamples"]


class CountedSamples:
    """Counts the samples that ``model`` is called with inside the block; the hook is gone after it.

    Parameters
    ----------
    model : torch.nn.Module
        Called by others meanwhile.

    Attributes
    ----------
    samples : int
        The first dimensions of the calls' first tensors, summed up; 0 where it was not called as a module.
    """

    def __init__(self, model: nn.Module) -> None:
        self.samples = 0
        self._model = model
        self._handle: RemovableHandle | None = None

    def __enter__(self) -> Self:
        if not isinstance(self._model, torch.jit.ScriptModule):  # it takes no hooks
            self._handle = self._model.register_forward_pre_hook(self._count, with_kwargs=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.remove()

    def _count(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call = Call(args, kwargs)
        self.samples += call.batch if call.tensors else 0

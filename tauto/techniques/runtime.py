"""How the model is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tauto.hardware import Hardware
from tauto.serialization import add_kind
from tauto.techniques.listing import listed
from tauto.techniques.proof import proved
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload
from tauto.workload.state import thread_count

__all__ = ["MAX_THREADS", "ThreadCount", "Threads", "ThreadsConfig"]

MAX_THREADS = 1024


@dataclass(frozen=True, slots=True)
class ThreadsConfig(Config):
    """How many threads.

    Parameters
    ----------
    count : int
        Threads that one operator may use during a call, 1 to 1024.
    """

    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_THREADS:
            raise ValueError(f"{self.count} is not a number of threads from 1 to {MAX_THREADS}")


class ThreadCount(nn.Module):
    """A module that is called with ``count`` intra-op threads; the process's own number is put back."""

    def __init__(self, module: nn.Module, count: int) -> None:
        super().__init__()
        if not 1 <= count <= 1024:  # where it is built from a file
            raise ValueError(f"{count} is not a number of threads from 1 to 1024")
        self.module = module
        self.count = count

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with this many threads."""
        with thread_count(self.count):
            return self.module(*args, **kwargs)


add_kind(ThreadCount, ("count",), inner=("module",))


@register
class Threads(Technique):
    """Run each call with a given number of threads: a small model loses more to handing work out than it gains."""

    name = "threads"
    title = "a number of threads of its own"
    family = "runtime"
    config = ThreadsConfig
    comes_after = frozenset({"fusion", "layout", "sparsity", "precision", "quantization", "engine"})
    cannot_be_with = frozenset({"onnxruntime", "openvino"})  # they have threads of their own

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a CPU of several cores."""
        if hardware.device != "cpu":
            return Applicability.no(f"the model runs on {hardware.device}, where CPU threads do not compute")
        if hardware.cores == 1:
            return Applicability.no("there is one core, so there is one number of threads")
        if not self.space(workload, hardware):
            return Applicability.no("it runs with 1 thread already", "torch.set_num_threads(2)")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[ThreadsConfig, ...]:
        """One thread, and half the cores, where it does not run with so many already."""
        now = min(torch.get_num_threads(), hardware.cores)
        counts = {1, max(1, hardware.cores // 2)} - {now}
        return tuple(ThreadsConfig(count) for count in sorted(counts) if count < now)

    def apply(self, workload: Workload, config: ThreadsConfig, context: Context) -> nn.Module:
        """Return a copy that is called with ``config.count`` threads."""
        return proved(ThreadCount(workload.copy_model(), config.count), workload.example)

    def script(self, config: ThreadsConfig) -> Script:
        """Return the same in plain Python."""
        imports = ("import torch", "from contextlib import contextmanager", "from torch import nn")
        body = f"model = ThreadCount(model, {config.count!r}).eval()"
        return Script(imports, body, (listed(thread_count), listed(ThreadCount)))

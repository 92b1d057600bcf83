"""How much memory a variant keeps, and how much it needs while it is prepared.

A figure is the growth of this process's private memory over the loaded runtime, so a variant needs a fresh
process. Weights may be read into memory or mapped from a file (TAuto's trials, OpenVINO); so that both are
treated alike, resident pages of mapped data files count as well, those of programs and libraries do not.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import torch
from torch import nn

from tauto.workload.call import Call
from tauto.workload.state import evaluating

__all__ = ["PrivateMemory", "footprint_bytes", "private_bytes", "steady_memory"]

POLL_S = 0.01
SETTLED_SHARE = 0.01
MOST_CALLS = 20
_HEADER = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ (?P<mode>\S+) \S+ \S+ \d+ +(?P<path>/.*)$")


def private_bytes() -> int:
    """Return the anonymous resident memory of this process (``RssAnon``; its unique set size off Linux)."""
    if sys.platform != "linux":
        return int(psutil.Process().memory_full_info().uss)
    for line in Path("/proc/self/status").read_bytes().splitlines():
        if line.startswith(b"RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status names no RssAnon: this kernel is older than 4.5")


def footprint_bytes(apart: Path | None = None) -> int:
    """Return :func:`private_bytes` and, on Linux, the resident pages of mapped data files other than ``apart``."""
    return private_bytes() + (_mapped_data_bytes(apart) if sys.platform == "linux" else 0)


class PrivateMemory:
    """Meters the growth of this process's memory over a block.

    Read :attr:`growth_bytes` and :attr:`peak_bytes` after it, or within it for what has come so far. The peak is
    sampled every 10 ms from anonymous memory, and is at least the growth.

    Examples
    --------
    >>> with PrivateMemory() as memory:
    ...     block = bytearray(50_000_000)
    >>> memory.growth_bytes > 45_000_000
    True
    """

    def __init__(self, apart: Path | None = None) -> None:
        self._apart = apart

    def __enter__(self) -> Self:
        gc.collect()
        self._base, self._base_private = footprint_bytes(self._apart), private_bytes()
        self._peak_private = self._base_private
        self._growth: int | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tauto-memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._growth = self.growth_bytes
        self._done.set()
        self._thread.join()

    @property
    def growth_bytes(self) -> int:
        """Growth since the block began; never negative."""
        return max(0, footprint_bytes(self._apart) - self._base) if self._growth is None else self._growth

    @property
    def peak_bytes(self) -> int:
        """Largest growth seen."""
        return max(self._peak_private - self._base_private, self.growth_bytes)

    def _watch(self) -> None:
        while not self._done.wait(POLL_S):
            self._peak_private = max(self._peak_private, private_bytes())


def steady_memory(
    build: Callable[[], nn.Module], call: Call, runtime_modules: Iterable[str], apart: Path | None = None
) -> int:
    """Return the bytes by which memory grows from the loaded runtime to a model that has settled.

    For a fresh process that has not run the variant before. The runtime's modules are imported first and count
    as runtime; then the model is built and called until two calls leave the footprint within 1 %.

    Parameters
    ----------
    build : callable
        Loads the model.
    call : Call
        What it is called with; its own tensors exist before and do not count.
    runtime_modules : iterable of str
        Such as ``("openvino",)``.
    apart : Path, optional
        A mapped file that does not count, such as the original's weights that ``build`` copies from.
    """
    for name in runtime_modules:
        importlib.import_module(name)
    with PrivateMemory(apart) as memory:
        model = build()
        with evaluating(model), torch.inference_mode():
            before = -1
            for _ in range(MOST_CALLS):
                call(model)
                gc.collect()
                now = memory.growth_bytes
                if before >= 0 and abs(now - before) <= SETTLED_SHARE * max(now, 1):
                    break
                before = now
    return memory.growth_bytes


def _mapped_data_bytes(apart: Path | None) -> int:
    """Return the resident, unmodified pages of mapped files no part of which is executable."""
    resident: dict[bytes, int] = {}
    programs: set[bytes] = set()
    path = None
    for line in Path(f"/proc/{os.getpid()}/smaps").read_bytes().splitlines():
        if header := _HEADER.match(line):
            path = header["path"]
            if b"x" in header["mode"]:
                programs.add(path)
        elif line[:1] in b"0123456789abcdef":
            path = None  # an anonymous mapping
        elif path is not None and line.startswith((b"Rss:", b"Anonymous:")):
            # a page that was written to has become anonymous memory, which is counted there
            sign = 1 if line.startswith(b"Rss:") else -1
            resident[path] = resident.get(path, 0) + sign * int(line.split()[1]) * 1024
    if apart is not None:
        programs.add(os.fsencode(apart.resolve()))
    return sum(size for path, size in resident.items() if path not in programs and b".so" not in path)

"""How much memory processes keep to themselves, and how much may be given to a job."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

import psutil

__all__ = ["available_bytes", "default_limit_bytes", "private_bytes", "private_bytes_at_most"]

SHARE_OF_AVAILABLE = 0.8
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_CGROUP = Path("/sys/fs/cgroup")


def private_bytes_at_most(pids: Collection[int]) -> int:
    """Return an upper bound of the private memory of ``pids`` together, in bytes; cheap to read.

    Private are the pages that only ending the processes gives back: anonymous ones, not mapped files or
    libraries. Read as resident less shared (``/proc/<pid>/statm``): exact for one process; pages that forked
    processes still share are counted once for each.
    """
    if sys.platform != "linux":
        return sum(_unique_bytes(pid) for pid in pids)
    return sum(_anonymous_bytes(pid) for pid in pids)


def private_bytes(pids: Collection[int]) -> int:
    """Return the private memory of ``pids`` together, in bytes.

    Of several processes, pages that a fork still shares are counted once between them (``Pss_Anon`` and
    ``Pss_Shmem`` of ``smaps_rollup``): workers forked from a process with a large model would otherwise each
    count the whole of it. That walks the page tables, milliseconds for each process.
    """
    if sys.platform != "linux" or len(pids) < 2:
        return private_bytes_at_most(pids)
    return sum(_proportional_bytes(pid) for pid in pids)


def available_bytes() -> int:
    """Return the memory that can be had now, in bytes: the machine's, or less in a container."""
    available = int(psutil.virtual_memory().available)
    for folder, limit, used, cached in (
        (_CGROUP, "memory.max", "memory.current", "inactive_file"),
        (_CGROUP / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            # files that were read count as used, though the kernel gives their pages back when asked
            reclaimable = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())[cached]
            in_use = int((folder / used).read_text()) - int(reclaimable)
            available = min(available, int((folder / limit).read_text()) - in_use)
        except (OSError, ValueError, KeyError):  # no such controller here, or the limit is "max"
            continue
    return max(available, 0)


def default_limit_bytes() -> int:
    """Return the memory limit of a job that names none: 80 % of what can be had now."""
    return int(available_bytes() * SHARE_OF_AVAILABLE)


def _anonymous_bytes(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:  # it ended meanwhile
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return _anonymous_bytes(pid)
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    return (sizes.get(b"Pss_Anon:", 0) + sizes.get(b"Pss_Shmem:", 0)) * 1024


def _unique_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_full_info().uss)
    except psutil.Error:
        return 0

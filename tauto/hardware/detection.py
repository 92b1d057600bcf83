"""What the operating system says about this machine, read from its own text (pure functions)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = [
    "CpuDescription",
    "Reader",
    "cgroup_cpus",
    "cgroup_folders",
    "cgroup_memory_bytes",
    "parse_cfs_quota",
    "parse_cpu_max",
    "parse_cpuinfo",
    "parse_memory_limit",
    "read_text",
    "usable_cores",
]

Reader = Callable[[str], str | None]
"""Returns the text of a file, or None where there is none."""

# Every flag listed must be there; a name may have several ways to be met.
_FLAGS: tuple[tuple[str, frozenset[str]], ...] = (
    ("AVX2", frozenset({"avx2"})),
    ("AVX512", frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})),
    ("VNNI", frozenset({"avx512_vnni"})),
    ("VNNI", frozenset({"avx_vnni"})),
    ("AVX512_BF16", frozenset({"avx512_bf16"})),
    ("AMX_BF16", frozenset({"amx_tile", "amx_bf16"})),
    ("AMX_INT8", frozenset({"amx_tile", "amx_int8"})),
    ("NEON", frozenset({"asimd"})),
    ("NEON", frozenset({"neon"})),
)

# From the main ID register: https://developer.arm.com/documentation (MIDR_EL1.Implementer)
_ARM_IMPLEMENTERS = {
    "0x41": "ARM",
    "0x46": "Fujitsu",
    "0x48": "HiSilicon",
    "0x4e": "NVIDIA",
    "0x51": "Qualcomm",
    "0x61": "Apple",
    "0xc0": "Ampere",
}

_NO_LIMIT = 1 << 60
"""Version 1 writes "no limit" as the largest page-aligned integer."""


@dataclass(frozen=True, slots=True)
class CpuDescription:
    """Model name of a CPU (empty when the text does not say) and the instruction sets that matter."""

    name: str
    instruction_sets: frozenset[str]


def read_text(path: str) -> str | None:
    """Return the text of the file at ``path``, or None where it is missing or may not be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def parse_cpuinfo(text: str) -> CpuDescription:
    """Return what ``/proc/cpuinfo`` says of the first CPU, on x86 (``flags``) or ARM (``Features``)."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            fields.setdefault(key.strip().lower(), value.strip())
    flags = set(f"{fields.get('flags', '')} {fields.get('features', '')}".lower().split())
    found = frozenset(name for name, needed in _FLAGS if needed <= flags)
    return CpuDescription(fields.get("model name") or _arm_name(fields), found)


def _arm_name(fields: dict[str, str]) -> str:
    implementer, part = fields.get("cpu implementer"), fields.get("cpu part")
    if implementer and part:
        return f"{_ARM_IMPLEMENTERS.get(implementer.lower(), f'implementer {implementer}')} part {part}"
    return ""


def parse_cpu_max(text: str) -> float | None:
    """Return the CPUs that a version 2 ``cpu.max`` allows; None for no limit.

    Examples
    --------
    >>> parse_cpu_max("150000 100000")
    1.5
    """
    quota, _, period = text.strip().partition(" ")
    return parse_cfs_quota(quota, period or "100000")


def parse_cfs_quota(quota: str, period: str) -> float | None:
    """Return the CPUs that ``cpu.cfs_quota_us`` over ``cpu.cfs_period_us`` allows; None for no limit."""
    if not re.fullmatch(r"\s*\d+\s*", quota) or not re.fullmatch(r"\s*\d+\s*", period):
        return None
    allowed, window = int(quota), int(period)
    return allowed / window if allowed > 0 and window > 0 else None


def parse_memory_limit(text: str) -> int | None:
    """Return the bytes of ``memory.max`` or ``memory.limit_in_bytes``; None for no limit."""
    if not re.fullmatch(r"\s*\d+\s*", text):
        return None
    limit = int(text)
    return limit if 0 < limit < _NO_LIMIT else None


@dataclass(frozen=True, slots=True)
class _Mount:
    root: PurePosixPath
    point: PurePosixPath
    unified: bool
    controllers: frozenset[str]


def _mounts(mountinfo: str) -> Iterator[_Mount]:
    """Yield the cgroup mounts of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5))."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split(), after.split()
        if len(place) >= 5 and len(kind) >= 3 and kind[0] in ("cgroup", "cgroup2"):
            root, point = (PurePosixPath(_unescaped(word)) for word in place[3:5])
            yield _Mount(root, point, kind[0] == "cgroup2", frozenset(kind[2].split(",")))


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)


def cgroup_folders(membership: str, mountinfo: str, controller: str) -> tuple[PurePosixPath, ...]:
    """Return the folders whose limits hold for this process, its own first and the root's last.

    Parameters
    ----------
    membership : str
        Text of ``/proc/self/cgroup``.
    mountinfo : str
        Text of ``/proc/self/mountinfo``.
    controller : str
        ``"cpu"`` or ``"memory"``; version 1 and version 2 hierarchies are both followed.
    """
    folders: list[PurePosixPath] = []
    mounts = tuple(_mounts(mountinfo))
    for line in membership.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        unified = number == "0" and not controllers
        if not unified and controller not in controllers.split(","):
            continue
        for mount in mounts:
            if mount.unified == unified and (unified or controller in mount.controllers):
                folders.extend(_chain(mount, PurePosixPath(path)))
                break
    return tuple(folders)


def _chain(mount: _Mount, path: PurePosixPath) -> Iterator[PurePosixPath]:
    # In a container the path may name a folder of the host that is not mounted: then only the root is ours.
    inside = path.is_relative_to(mount.root) and ".." not in path.parts
    folder = mount.point / path.relative_to(mount.root) if inside else mount.point
    yield folder
    while folder != mount.point:
        folder = folder.parent
        yield folder


def _folders(read: Reader, controller: str) -> tuple[PurePosixPath, ...]:
    return cgroup_folders(read("/proc/self/cgroup") or "", read("/proc/self/mountinfo") or "", controller)


def cgroup_cpus(read: Reader = read_text) -> float | None:
    """Return the CPUs' worth of time that the tightest cgroup allows; None without a limit."""
    found: list[float] = []
    for folder in _folders(read, "cpu"):
        newer, older = read(f"{folder}/cpu.max"), read(f"{folder}/cpu.cfs_quota_us")
        if newer is not None and (cpus := parse_cpu_max(newer)):
            found.append(cpus)
        if older is not None and (cpus := parse_cfs_quota(older, read(f"{folder}/cpu.cfs_period_us") or "")):
            found.append(cpus)
    return min(found, default=None)


def cgroup_memory_bytes(read: Reader = read_text) -> int | None:
    """Return the bytes that the tightest cgroup allows; None without a limit."""
    texts = (
        read(f"{folder}/{name}")
        for folder in _folders(read, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    )
    limits = (parse_memory_limit(text) for text in texts if text is not None)
    return min((limit for limit in limits if limit is not None), default=None)


def usable_cores(affinity: int, quota: float | None) -> int:
    """Return the threads that can run at once: the affinity, and whole CPUs of the quota, at least one.

    A share of a CPU is dropped: threads that wait for each other run at the pace of the throttled one.

    Examples
    --------
    >>> usable_cores(affinity=8, quota=2.5)
    2
    """
    return max(1, affinity if quota is None else min(affinity, math.floor(quota)))

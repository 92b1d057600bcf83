"""This machine: what it has, and what it can reach."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

import psutil
import torch

from tauto.config.settings import Settings
from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware.ceilings import Ceilings, load_ceilings, save_ceilings
from tauto.hardware.detection import (
    CpuDescription,
    cgroup_cpus,
    cgroup_memory_bytes,
    parse_cpuinfo,
    read_text,
    usable_cores,
)
from tauto.hardware.kernels import measure_ceilings

__all__ = ["INSTRUCTION_SETS", "Device", "Hardware", "Platform"]

Device = Literal["cpu", "cuda", "mps"]
Platform = Literal["linux", "darwin", "windows"]

INSTRUCTION_SETS = ("AVX2", "AVX512", "VNNI", "AVX512_BF16", "AMX_BF16", "AMX_INT8", "NEON")
"""Those that decide which kernels run; a CUDA capability such as ``SM90`` may join them."""

_CAPABILITY = re.compile(r"SM(\d+)")


@dataclass(frozen=True, slots=True)
class Hardware:
    """One machine as seen from this process, with the device that models run on.

    Parameters
    ----------
    device : {"cpu", "cuda", "mps"}
        Where models run.
    name : str
        Model of the CPU, or of the GPU when that is the device.
    cores : int
        Threads of the host that can run at once: affinity and cgroup quota respected, at least 1.
    memory_bytes : int
        Memory of the host: what is fitted, or the cgroup's limit when that is less.
    instruction_sets : frozenset of str
        Those of the host's CPU among :data:`INSTRUCTION_SETS`, and the capability of a CUDA device
        (``"SM90"``). Outside Linux only AVX2, AVX512 and NEON are told.
    platform : {"linux", "darwin", "windows"}
        The operating system.
    compiler : str or None
        Path of the C++ compiler that ``torch.compile`` would call; None when it would find none.
    fingerprint : str
        Short digest of what affects speed: CPU and device model, cores, memory in GiB, instruction sets, torch's
        version. The same on the next run; what is measured is remembered under it.

    Examples
    --------
    >>> Hardware.current().cores >= 1
    True
    """

    device: Device
    name: str
    cores: int
    memory_bytes: int
    instruction_sets: frozenset[str]
    platform: Platform
    compiler: str | None
    fingerprint: str

    @classmethod
    def current(cls, device: str | None = "cpu") -> Hardware:
        """Return this machine as it is now.

        Parameters
        ----------
        device : str or None
            ``"cpu"``, ``"cuda"``, ``"mps"``; None for CUDA where there is a device, else the CPU. Only ``"cuda"``
            (or None, where there is one) touches CUDA.

        Raises
        ------
        InvalidArgument
            When the device is unknown, or not present.
        """
        chosen = _device(device)
        cpu, cores, memory = _cpu(), _cores(), _memory_bytes()
        name, sets = cpu.name, cpu.instruction_sets
        if chosen == "cuda":
            major, minor = torch.cuda.get_device_capability()
            name, sets = torch.cuda.get_device_name(), sets | {f"SM{major}{minor}"}
        what = (cpu.name, name, chosen, cores, round(memory / 2**30), sorted(sets), torch.__version__)
        return cls(chosen, name, cores, memory, sets, _platform(), _compiler(), _digest(what))

    @property
    def summary(self) -> str:
        """One line for reports, such as ``AMD EPYC, 2 cores, 23.5 GiB, AVX2``."""
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        known = [name for name in INSTRUCTION_SETS if name in self.instruction_sets]
        others = sorted(self.instruction_sets - set(known))
        return ", ".join([self.name, cores, f"{self.memory_bytes / 2**30:.1f} GiB", *known, *others])

    def has(self, *sets: str) -> bool:
        """Return whether all of ``sets`` are there; ``SM80`` means that capability or a later one.

        Raises
        ------
        InvalidArgument
            When a name is neither one of :data:`INSTRUCTION_SETS` nor ``SM`` and a number.
        """
        return all(self._has(name) for name in sets)

    def _has(self, name: str) -> bool:
        if wanted := _CAPABILITY.fullmatch(name):
            present = (_CAPABILITY.fullmatch(own) for own in self.instruction_sets)
            return any(own and int(own[1]) >= int(wanted[1]) for own in present)
        if name not in INSTRUCTION_SETS:
            hint = did_you_mean(name, INSTRUCTION_SETS)
            raise InvalidArgument(f"sets: no instruction set is called {name!r}. {hint}".rstrip())
        return name in self.instruction_sets

    def ceilings(self) -> Ceilings:
        """Return the measured ceilings: remembered for this fingerprint, else measured now (a few seconds).

        Warns
        -----
        StoreWarning
            When the cache cannot be read or written; the ceilings are measured and returned all the same.
        """
        return load_ceilings(Settings.current().cache, self.fingerprint) or self.remeasure_ceilings()

    def remeasure_ceilings(self) -> Ceilings:
        """Measure the ceilings now, and remember them in place of those of before."""
        threads = min(self.cores, psutil.cpu_count(logical=False) or self.cores)
        found = measure_ceilings(self.device, threads, self.memory_bytes, self.fingerprint)
        save_ceilings(Settings.current().cache, found)
        return found


def _device(asked: str | None) -> Device:
    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked not in ("cpu", "cuda", "mps"):
        hint = did_you_mean(asked, ("cpu", "cuda", "mps")) if isinstance(asked, str) else ""
        raise InvalidArgument(f"device: {asked!r} is not a device. Write 'cpu', 'cuda' or 'mps'. {hint}".rstrip())
    missing = (asked == "cuda" and not torch.cuda.is_available()) or (
        asked == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise InvalidArgument(f"device: torch {torch.__version__} finds no {asked!r} device here. Write 'cpu'.")
    return cast("Device", asked)


def _platform() -> Platform:
    if sys.platform == "darwin":
        return "darwin"
    return "windows" if sys.platform == "win32" else "linux"


def _cores() -> int:
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return usable_cores(affinity, cgroup_cpus())


def _memory_bytes() -> int:
    fitted = int(psutil.virtual_memory().total)
    return min(fitted, cgroup_memory_bytes() or fitted)


@cache  # a CPU does not change while we run, and its description is long on a large machine
def _cpu() -> CpuDescription:
    found = parse_cpuinfo(read_text("/proc/cpuinfo") or "")
    sets = found.instruction_sets or _sets_known_to_torch()
    return CpuDescription(found.name or _name_known_to_the_system(), sets)


def _sets_known_to_torch() -> frozenset[str]:
    capability = torch.backends.cpu.get_cpu_capability()
    sets = {"AVX512": {"AVX2", "AVX512"}, "AVX2": {"AVX2"}}.get(capability, set())
    return frozenset(sets | ({"NEON"} if platform.machine().lower() in ("arm64", "aarch64") else set()))


def _name_known_to_the_system() -> str:
    if sys.platform == "darwin" and (sysctl := shutil.which("sysctl")):
        asked = [sysctl, "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=5)
        if name := answer.stdout.strip():
            return name
    return platform.processor() or platform.machine() or "unknown CPU"


def _compiler() -> str | None:
    # Inductor takes CXX when it is set, and otherwise only the platform's own compiler (torch._inductor.config).
    usual = {"darwin": "clang++", "windows": "cl"}.get(_platform(), "g++")
    return shutil.which(os.environ.get("CXX", usual))


def _digest(what: tuple[object, ...]) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]

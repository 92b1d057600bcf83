"""The measured ceilings of a machine, and the file they are remembered in."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from tauto.errors import InvalidArgument, StoreWarning, did_you_mean

__all__ = ["PRECISIONS", "RESOURCES", "Ceilings", "load_ceilings", "save_ceilings"]

PRECISIONS = ("float32", "bfloat16", "float16", "int8")
"""Precisions a matrix product may have a ceiling for."""

RESOURCES = (*PRECISIONS, "copy_cache", "copy_memory")
"""What :meth:`Ceilings.share` takes: a precision (GFLOP/s), or one of two copies (GB/s)."""

_Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most that was reached here, over several rounds, with the kernels that torch ships.

    Parameters
    ----------
    gflops : Mapping[str, float]
        10⁹ operations a second of an ``n × n`` matrix product by precision, a multiply and an add counted as
        two (``2 n³``). Operands and result are of that precision, int8 excepted, whose result is int32 or
        rescaled to 8 bits. float16 is measured on CUDA and MPS only. A precision that torch has no kernel for
        here (int8 on MPS, say) is absent. Where the CPU has no bfloat16 instructions the figure is that of
        widening to float32, multiplying and rounding, when this is faster than torch's own loop.
    copy_cache_gbps : float
        10⁹ bytes a second, bytes read plus bytes written, of a copy whose source and target together are
        256 kB to 1 MB a thread (the best of three sizes); on CUDA they are half of the L2 cache.
    copy_memory_gbps : float
        The same for 256 MB to 256 MB (less where that is more than 10 % of memory).
    measured_at : str
        Time of the measurement, ISO 8601, UTC.
    fingerprint : str
        :attr:`tauto.hardware.Hardware.fingerprint` of the machine.
    confirmed : bool
        Measured a second time because something seemed faster; :func:`~tauto.hardware.checked_share` does not
        measure a third time. Not remembered in the file, so that each session may check once.
    """

    gflops: Mapping[str, _Rate]
    copy_cache_gbps: _Rate
    copy_memory_gbps: _Rate
    measured_at: str
    fingerprint: str
    confirmed: bool = False

    def of(self, resource: str) -> float | None:
        """Return the ceiling of one of :data:`RESOURCES`; None where this machine has none for it.

        Raises
        ------
        InvalidArgument
            When ``resource`` is not one of :data:`RESOURCES`.
        """
        if resource not in RESOURCES:
            raise InvalidArgument(
                f"resource: {resource!r} has no ceiling. {did_you_mean(resource, RESOURCES)}".rstrip()
            )
        if resource == "copy_cache":
            return self.copy_cache_gbps
        if resource == "copy_memory":
            return self.copy_memory_gbps
        return self.gflops.get(resource)

    def share(self, achieved: float, resource: str) -> float | None:
        """Return ``achieved`` (GFLOP/s, or GB/s of a copy) over the ceiling, as it is: it may pass 1.

        None where this machine has no ceiling for ``resource``. See :func:`~tauto.hardware.checked_share` for
        the share that re-measures a ceiling which was passed.
        """
        ceiling = self.of(resource)
        return None if ceiling is None else achieved / ceiling

    def larger(self, other: Ceilings) -> Ceilings:
        """Return the larger of the two, figure by figure, with the later time of measurement."""
        names = [name for name in PRECISIONS if name in self.gflops or name in other.gflops]
        return replace(
            self,
            gflops={name: max(self.gflops.get(name, 0.0), other.gflops.get(name, 0.0)) for name in names},
            copy_cache_gbps=max(self.copy_cache_gbps, other.copy_cache_gbps),
            copy_memory_gbps=max(self.copy_memory_gbps, other.copy_memory_gbps),
            measured_at=max(self.measured_at, other.measured_at),
        )


@cache
def _adapter() -> TypeAdapter[Ceilings]:
    return TypeAdapter(Ceilings)


def _file(folder: Path, fingerprint: str) -> Path:
    return folder / "ceilings" / f"{fingerprint}.json"


def load_ceilings(folder: Path, fingerprint: str) -> Ceilings | None:
    """Return what :func:`save_ceilings` wrote, or None; a file that cannot be used is a warning.

    Warns
    -----
    StoreWarning
        When there is a file, but it cannot be read or does not hold ceilings of this machine.
    """
    path = _file(folder, fingerprint)
    try:
        found = _adapter().validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not hold ceilings"
    else:
        if found.fingerprint == fingerprint and set(found.gflops) <= set(PRECISIONS):
            return replace(found, confirmed=False)
        reason = "it is of another machine or version"
    warnings.warn(f"{path} cannot be used ({reason}); measuring again.", StoreWarning, stacklevel=3)
    return None


def save_ceilings(folder: Path, ceilings: Ceilings) -> None:
    """Write ``ceilings`` below ``folder``, whole or not at all.

    Warns
    -----
    StoreWarning
        When it cannot be written; the ceilings are then measured again next time.
    """
    path = _file(folder, ceilings.fingerprint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, _adapter().dump_json(ceilings, exclude={"confirmed"}, indent=2))
    except OSError as error:
        warnings.warn(
            f"The measured ceilings could not be kept in {path} ({error.strerror}); they are measured again next "
            "time. Set TAUTO_CACHE to a folder that can be written.",
            StoreWarning,
            stacklevel=3,
        )


def _write_whole(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise

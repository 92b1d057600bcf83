"""The folder that an interrupted training is taken up from."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tauto.errors import InvalidArgument
from tauto.tuning.study import changed_parts
from tauto.tuning.trial_log import identity_of
from tauto.workload import Workload

__all__ = ["trainings_in"]

CALL = "call.json"
"""Digests of what the trainings beside it are of, by name."""
IN_USE = "in_use"


@contextmanager
def trainings_in(checkpoint: str | Path | None, verb: str, workload: Workload, **more: Any) -> Iterator[Path | None]:
    """Give where below ``checkpoint`` the trainings of this call are kept, to it alone; None where none is given.

    Where no training is kept when the call is over, nothing is.

    Parameters
    ----------
    checkpoint : str or Path or None
        A folder; it is made where it is missing.
    verb : str
        Who trains.
    workload : Workload
        What, on what, by what. How long and how fast is told apart by each training.
    more
        What else has to be the same, by name.

    Raises
    ------
    InvalidArgument
        When it is no folder that can be written, holds trainings of something else, or another call uses it.
    """
    if checkpoint is None:
        yield None
        return
    if not isinstance(checkpoint, str | Path) or checkpoint == "":
        raise InvalidArgument(f"checkpoint: {checkpoint!r} is no folder. Name one, such as 'checkpoints'.")
    about = {"batches": workload.training and workload.training.loader, "rule": repr(workload.rule), **more}
    now = identity_of(workload, verb, (), about).parts
    place = Path(checkpoint).expanduser().absolute() / re.sub(r"\W+", "-", f"{verb}-{workload.name}")
    lock = FileLock(place / IN_USE, timeout=0)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except Timeout:
        raise InvalidArgument(
            f"checkpoint: another call that is under way uses {str(place)!r}. Wait for its end, or name another folder."
        ) from None
    except OSError as error:
        raise _unusable(checkpoint, error.strerror or str(error)) from None
    try:
        _claim(place, now, checkpoint)
        yield place
    finally:
        if not _is_kept(place):
            shutil.rmtree(place, ignore_errors=True)
        lock.release()


def _claim(place: Path, now: Mapping[str, str], checkpoint: str | Path) -> None:
    """Note what the trainings in ``place`` are of, or see that those which it holds are of the same."""
    call = place / CALL
    try:
        before = json.loads(call.read_text()) if call.exists() and _is_kept(place) else None
        if before is None:
            call.write_text(json.dumps(now))
            return
        other = changed_parts(before, now)
    except OSError as error:
        raise _unusable(checkpoint, error.strerror or str(error)) from None
    except (ValueError, AttributeError):  # no JSON, or none of ours
        raise _unusable(checkpoint, f"{CALL} in it is damaged") from None
    if other:
        raise InvalidArgument(
            f"checkpoint: {str(place)!r} holds trainings of another call (other {', '.join(other)}). "
            "Delete it, or name another folder."
        )


def _is_kept(place: Path) -> bool:
    return any(place.rglob("*.pt"))


def _unusable(checkpoint: str | Path, why: str) -> InvalidArgument:
    return InvalidArgument(f"checkpoint: {str(checkpoint)!r} is no folder that can be used ({why}). Name another.")

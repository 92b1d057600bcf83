"""The folder that an interrupted training is taken up from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tauto.errors import InvalidArgument
from tauto.tuning.study import changed_parts
from tauto.tuning.trial_log import identity_of
from tauto.workload import Workload

__all__ = ["trainings_in"]

CALL = "call.json"
"""Digests of what the trainings beside it are of, by name."""


def trainings_in(checkpoint: str | Path | None, verb: str, workload: Workload, **more: Any) -> Path | None:
    """Return where below ``checkpoint`` the trainings of this call are kept; None where none is given.

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
        When it is no folder that can be written, or holds trainings of something else.
    """
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, str | Path):
        raise InvalidArgument(f"checkpoint: {checkpoint!r} is no folder. Name one, such as 'checkpoints'.")
    about = {"batches": workload.training and workload.training.loader, "rule": repr(workload.rule), **more}
    now = identity_of(workload, verb, (), about).parts
    place = Path(checkpoint).expanduser() / re.sub(r"\W+", "-", f"{verb}-{workload.name}")
    call = place / CALL
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not call.exists():
            call.write_text(json.dumps(now))
        before = json.loads(call.read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{CALL} in it is damaged"
        raise InvalidArgument(
            f"checkpoint: {str(checkpoint)!r} is no folder that can be used ({why}). Name another."
        ) from None
    if other := changed_parts(before, now):
        raise InvalidArgument(
            f"checkpoint: {str(place)!r} holds trainings of another call (other {', '.join(other)}). "
            "Delete it, or name another folder."
        )
    return place

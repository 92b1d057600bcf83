"""Whose a trial is; and trials whose process has died or was stopped: given up, and put back once."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from tauto.hardware import Hardware
from tauto.tuning.study.storage import GRACE_S, beat, quiet

__all__ = [
    "INTERRUPTED",
    "MACHINE",
    "OWNER",
    "at_work",
    "give_back",
    "is_own",
    "is_under_way",
    "machine_of",
    "made_again",
    "mark_owner",
    "retry_interrupted",
    "working",
]

OWNER = "tauto:owner"
MACHINE = "tauto:machine"
INTERRUPTED = "tauto:interrupted"
"""Attributes of a trial: which process runs it, on what machine, and why it was given up."""
_AGAIN = "failed_trial"
"""Optuna's own attribute of a trial that is made again: the number of the one that was interrupted."""
_sessions: set[str] = set()
"""The searches of this process."""


def _here() -> dict[str, Any]:
    """Return what tells a process of this machine from one of another, or of another container or boot."""
    places = {"boot": Path("/proc/sys/kernel/random/boot_id"), "space": Path("/proc/self/ns/pid")}
    found: dict[str, Any] = {"host": socket.gethostname()}
    with suppress(OSError):
        found["boot"] = places["boot"].read_text().strip()
    with suppress(OSError):
        found["space"] = str(places["space"].readlink())
    return found


@contextmanager
def working() -> Iterator[str]:
    """Give a search of this process a name for as long as it lasts: what it could not give back is then nobody's."""
    session = secrets.token_hex(4)
    _sessions.add(session)
    try:
        yield session
    finally:
        _sessions.discard(session)


def mark_owner(trial: Trial, storage: RDBStorage, hardware: Hardware, session: str) -> None:
    """Write down that this process runs ``trial`` in the search ``session``, on ``hardware``."""
    beat(storage, trial._trial_id)
    me = {"pid": os.getpid(), "started": psutil.Process().create_time(), "session": session}
    trial.set_user_attr(OWNER, {**_here(), **me, MACHINE: [hardware.fingerprint, hardware.summary]})


def machine_of(trial: FrozenTrial) -> tuple[str, str]:
    """Return fingerprint and description of the machine that ``trial`` ran on; empty where nobody said."""
    told = trial.user_attrs.get(OWNER)
    named = trial.user_attrs.get(MACHINE) or (told.get(MACHINE) if isinstance(told, dict) else None)
    if isinstance(named, list) and len(named) == 2:
        return str(named[0]), str(named[1])
    return "", ""


def retry_interrupted(study: optuna.Study, storage: RDBStorage) -> None:
    """Put back, once, the trials whose process on this machine has died, and those that have gone silent elsewhere."""
    with quiet():
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _is_dead(trial.user_attrs.get(OWNER)) or _was_never_begun(trial):
                give_back(study, storage, trial, "the process that ran it ended")
        optuna.storages.fail_stale_trials(study)


def made_again(trials: Sequence[FrozenTrial]) -> dict[int, int]:
    """Return which trial took the place of which interrupted one, by their numbers."""
    known = ((one.system_attrs.get(_AGAIN), one.number) for one in trials)
    return {before: number for before, number in known if isinstance(before, int)}


def give_back(study: optuna.Study, storage: RDBStorage, trial: FrozenTrial, why: str) -> None:
    """Give up a running ``trial``, and put its parameters back in the queue unless that was done before."""
    with quiet():
        try:
            storage.set_trial_user_attr(trial._trial_id, INTERRUPTED, why)
            given_up = storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:  # another process was first
            return
        if given_up:
            RetryHeartbeatStaleTrialCallback(max_retry=1)(study, storage.get_trial(trial._trial_id))


def is_under_way(trial: FrozenTrial) -> bool:
    """Whether some process runs it: one that died before it could say so is none."""
    return trial.state == TrialState.RUNNING and OWNER in trial.user_attrs


def at_work(trial: FrozenTrial) -> bool:
    """Whether another process than this one runs ``trial``, or ran it a moment ago and may go on with the next."""
    owner = trial.user_attrs.get(OWNER)
    if not isinstance(owner, dict) or _is_own(owner) or _is_dead(owner):
        return False
    ended = trial.datetime_complete
    return trial.state == TrialState.RUNNING or (ended is not None and _age_s(ended) < GRACE_S)


def _was_never_begun(trial: FrozenTrial) -> bool:
    """Whether a process died between asking for it and saying that it runs it."""
    begun = trial.datetime_start
    return OWNER not in trial.user_attrs and not trial.params and begun is not None and _age_s(begun) > GRACE_S


def _age_s(moment: datetime) -> float:
    return time.time() - moment.timestamp()


def is_own(trial: FrozenTrial) -> bool:
    """Whether this process runs ``trial``, or ran it."""
    owner = trial.user_attrs.get(OWNER)
    return isinstance(owner, dict) and _is_own(owner)


def _is_own(owner: dict[str, Any]) -> bool:
    here = _here()
    return owner.get("pid") == os.getpid() and {key: owner.get(key) for key in here} == here


def _is_dead(owner: Any) -> bool:
    """Whether the process is known to have ended, of this machine, boot and container, or here the search of it."""
    here = _here()
    if not isinstance(owner, dict) or {key: owner.get(key) for key in here} != here:
        return False
    try:
        if owner["pid"] == os.getpid() and "session" in owner:
            return owner["session"] not in _sessions
        process = psutil.Process(int(owner["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:  # it has ended, and its parent has not asked yet
            return True
        return abs(process.create_time() - float(owner["started"])) > 1.0
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False

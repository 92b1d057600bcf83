"""Trials whose process has died or was stopped: given up, and put back once so that another try is made."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from tauto.tuning.study.storage import quiet

__all__ = ["INTERRUPTED", "OWNER", "give_back", "mark_owner", "retry_interrupted"]

OWNER = "tauto:owner"
INTERRUPTED = "tauto:interrupted"
"""Attributes of a trial: which process runs it, and why it was given up."""


def _here() -> dict[str, Any]:
    """Return what tells a process of this machine from one of another, or of another container or boot."""
    places = {"boot": Path("/proc/sys/kernel/random/boot_id"), "space": Path("/proc/self/ns/pid")}
    found: dict[str, Any] = {"host": socket.gethostname()}
    with suppress(OSError):
        found["boot"] = places["boot"].read_text().strip()
    with suppress(OSError):
        found["space"] = str(places["space"].readlink())
    return found


def mark_owner(trial: Trial) -> None:
    """Write down that this process runs ``trial``."""
    me = psutil.Process()
    trial.set_user_attr(OWNER, {**_here(), "pid": os.getpid(), "started": me.create_time()})


def retry_interrupted(study: optuna.Study, storage: RDBStorage) -> None:
    """Put back, once, the trials whose process on this machine has died, and those that have gone silent elsewhere."""
    with quiet():
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _is_dead(trial.user_attrs.get(OWNER)):
                give_back(study, storage, trial, "the process that ran it ended")
        optuna.storages.fail_stale_trials(study)


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


def _is_dead(owner: Any) -> bool:
    """Whether the process is known to have ended: one of this machine, boot and container."""
    here = _here()
    if not isinstance(owner, dict) or {key: owner.get(key) for key in here} != here:
        return False
    try:
        return abs(psutil.Process(int(owner["pid"])).create_time() - float(owner["started"])) > 1.0
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False

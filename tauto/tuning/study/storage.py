"""Opens the storage of studies, with heartbeats; what goes wrong there is told in one line, without the password."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy.exc import SQLAlchemyError

from tauto.errors import MissingDependency, StudyError, TautoError
from tauto.tuning.study.url import StorageUrl

__all__ = ["GRACE_S", "HEARTBEAT_S", "beat", "explained", "open_storage", "quiet"]

HEARTBEAT_S = 10
"""So often a process that runs a trial says that it is alive."""
GRACE_S = 60
"""A trial of which nothing was heard for so long is given up, and tried once more."""
_BUSY_S = 30
"""So long SQLite waits for another process's write."""
_CONNECT_S = 10


def open_storage(where: StorageUrl) -> RDBStorage:
    """Return Optuna's storage at ``where``; an SQLite file is made when it is not there.

    Raises
    ------
    StudyError
        When it cannot be opened: no answer, a wrong password, no database, another version's tables.
    MissingDependency
        When the database's driver is not installed.
    """
    with explained(where, (OSError, RuntimeError)), quiet():
        if where.file is not None:
            _make_folder(where)
        return RDBStorage(
            where.connecting(),
            engine_kwargs=_engine(where),
            heartbeat_interval=HEARTBEAT_S,
            grace_period=GRACE_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=1),
        )


def _make_folder(where: StorageUrl) -> None:
    folder = where.file.parent if where.file is not None else None
    if folder is not None and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _engine(where: StorageUrl) -> dict[str, Any]:
    match where.url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": _BUSY_S}}
        case "postgresql":
            return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _CONNECT_S}}
    return {"pool_pre_ping": True}


def beat(storage: RDBStorage, trial_id: int) -> None:
    """Say that the process which runs this trial is alive."""
    storage.record_heartbeat(trial_id)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's own lines off the user's screen; what they say, a report says."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.filterwarnings("ignore", "Heartbeat of storage")  # the search sends them itself
            yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def explained(where: StorageUrl, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn what the database says, and errors of the kinds ``also``, into one line that names it and what to do.

    Raises
    ------
    StudyError, MissingDependency
        Without the password, and without the error that held it.
    """
    told: TautoError | None = None
    expected: tuple[type[Exception], ...] = (StorageInternalError, SQLAlchemyError, ImportError, *also)
    try:
        yield
    except TautoError:
        raise
    except expected as error:
        told = _missing(where, error) if isinstance(error, ImportError) else StudyError(_trouble(where, error))
    if told is not None:
        raise told from None  # the driver's own error may quote the URL


def _missing(where: StorageUrl, error: ImportError) -> TautoError:
    if where.url.get_backend_name() == "postgresql":
        return MissingDependency("Studies in PostgreSQL need a driver. Run: pip install 'tauto[postgresql]'")
    return MissingDependency(f"{where.shown} cannot be opened: {where.hide(error)}. Write sqlite:///studies.db.")


def _trouble(where: StorageUrl, error: BaseException) -> str:
    """Return in one line where and why, and what to do."""
    deepest = error
    while isinstance(deepest, StorageInternalError) and deepest.__cause__ is not None:
        deepest = deepest.__cause__
    said = str(getattr(deepest, "orig", None) or getattr(deepest, "strerror", None) or deepest).strip()
    what = " ".join(where.hide(said).split())[:300] or type(deepest).__name__
    return f"{where.shown}: {what.rstrip('.')}. {_remedy(what.lower(), where)}"


_REMEDIES = (
    (("not a database", "malformed", "no such table", "no such column", "corrupt"), "Move this file away, and a new "
     "one is made; what can be saved of it, `sqlite3 FILE .recover` saves."),
    (("locked", "busy"), "Another process holds it; try again when that has ended."),
    (("full", "no space"), "Make room on the disk."),
    (("compatible", "upgrade", "schema"), "Its tables are another Optuna's: run `optuna storage upgrade`, or name "
     "another storage."),
    (("password", "authentication", "role"), "Set the user and the password in TAUTO_STORAGE or in ~/.pgpass."),
    (("connect", "refused", "timeout", "translate host", "resolve", "timed out"), "Is the server running, and is the "
     "URL right?"),
)  # fmt: skip


def _remedy(what: str, where: StorageUrl) -> str:
    for words, remedy in _REMEDIES:
        if any(word in what for word in words):
            return remedy
    if where.file is not None:
        return "Make the folder writable, or name another file with storage= or in TAUTO_STORAGE."
    return "Is the URL right?"

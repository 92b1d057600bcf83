"""Opens the storage of studies, with heartbeats; what goes wrong there is told in one line, without the password."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy.exc import SQLAlchemyError

from tauto.errors import MissingDependency, StudyError, TautoError
from tauto.tuning.study.url import StorageUrl

__all__ = [
    "DAMAGE",
    "GRACE_S",
    "HEARTBEAT_S",
    "beat",
    "close_storage",
    "explained",
    "open_storage",
    "quiet",
    "storage_of",
]

HEARTBEAT_S = 10
"""So often a process that runs a trial says that it is alive."""
GRACE_S = 60
"""A trial of which nothing was heard for so long is given up, and tried once more."""
_TABLES = frozenset({"studies", "trials", "version_info"})
"""Some of Optuna's."""
_BUSY_S = 30
"""So long SQLite waits for another process's write."""
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What Optuna raises where what it reads is none of what it wrote."""
_CONNECT_S = 5
"""So long a server may take to answer."""
_LIBPQ_ASKS = " Is the server running"
"""Begins a question of PostgreSQL's library; the remedy asks it, too."""
_SILENT_S = 30
"""A server of which nothing is heard for so long amid the search is given up."""


def open_storage(where: StorageUrl) -> RDBStorage:
    """Return Optuna's storage at ``where``; an SQLite file is made when it is not there.

    Raises
    ------
    StudyError
        When it cannot be opened: no answer, a wrong password, no database, another version's tables.
    MissingDependency
        When the database's driver is not installed.
    """
    with explained(where, (OSError, RuntimeError, *DAMAGE)), quiet():
        if where.file is not None:
            _make_folder(where)
            _check_whose(where, where.file)
        return RDBStorage(
            where.connecting(),
            engine_kwargs=_engine(where),
            heartbeat_interval=HEARTBEAT_S,
            grace_period=GRACE_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=1),
        )


@contextmanager
def storage_of(where: StorageUrl) -> Iterator[RDBStorage]:
    """Open the storage for the block, and close all connections to it afterwards.

    Raises
    ------
    StudyError, MissingDependency
        As :func:`open_storage`.
    """
    storage = open_storage(where)
    try:
        yield storage
    finally:
        close_storage(storage)


def close_storage(storage: RDBStorage) -> None:
    """Close all connections, so that the file may be moved and its disk taken away."""
    storage.remove_session()
    storage.engine.dispose()


def _make_folder(where: StorageUrl) -> None:
    folder = where.file.parent if where.file is not None else None
    if folder is not None and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _check_whose(where: StorageUrl, file: Path) -> None:
    """Refuse another program's database before tables are made in it."""
    if not file.exists():
        return
    with closing(sqlite3.connect(file, timeout=_BUSY_S)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables & _TABLES:
        named = ", ".join(sorted(tables)[:3])
        raise StudyError(f"{where.shown} is another program's database (its tables: {named}). Name another file.")


def _engine(where: StorageUrl) -> dict[str, Any]:
    match where.url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": _BUSY_S}}
        case "postgresql":
            silent = {"keepalives_idle": _SILENT_S // 2, "keepalives_interval": 5, "keepalives_count": 3}
            lost = {"tcp_user_timeout": _SILENT_S * 1000}
            return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _CONNECT_S, **silent, **lost}}
        case "mysql" | "mariadb":
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
    expected: tuple[type[Exception], ...] = (StorageInternalError, SQLAlchemyError, sqlite3.Error, ImportError, *also)
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
    cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error  # Optuna's own names no module
    return MissingDependency(f"{where.shown} needs a driver that is not installed ({where.hide(cause)}).")


def _trouble(where: StorageUrl, error: BaseException) -> str:
    """Return in one line where and why, and what to do."""
    deepest = error
    while isinstance(deepest, StorageInternalError) and deepest.__cause__ is not None:
        deepest = deepest.__cause__
    said = str(getattr(deepest, "orig", None) or getattr(deepest, "strerror", None) or deepest).strip()
    what = " ".join(where.hide(said).split())[:300].partition(_LIBPQ_ASKS)[0] or type(deepest).__name__
    if isinstance(deepest, DAMAGE) and "keyword" not in what:
        what = f"what it holds is damaged ({type(deepest).__name__}: {what.rstrip('.')})"
    if where.file is not None and "readonly" in what and not where.file.exists():
        return f"{where.shown}: the file is gone. Put it back, or name another one."
    return f"{where.shown}: {what.rstrip('.')}. {_remedy(what.lower(), where)}"


_REMEDIES = (
    (("not a database", "malformed", "no such table", "no such column", "corrupt", "damaged"), "Move this file away, "
     "and a new one is made; what can be saved of it, `sqlite3 FILE .recover` saves."),
    (("locked", "busy"), "Another process holds it; try again when that has ended."),
    (("full", "no space"), "Make room on the disk."),
    (("compatible", "upgrade", "schema"), "Its tables are another Optuna's: run `optuna storage upgrade`, or name "
     "another storage."),
    (("password", "authentication", "role "), "Set the user and the password in TAUTO_STORAGE or in ~/.pgpass."),
    (("keyword", "connection option"), "Its driver does not know an option of the URL."),
    (("does not exist",), "Make it, such as by `createdb`, or name another one."),
    (("shutting down", "terminat", "closed the connection", "server closed"), "The server went away; the same line "
     "goes on when it is back."),
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

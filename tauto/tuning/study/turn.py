"""One process at a time: what several that work on one study may not do at once, such as taking the last trial."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock
from optuna.storages import RDBStorage
from sqlalchemy import text

from tauto.tuning.study.url import StorageUrl

__all__ = ["one_at_a_time"]

_WAIT_S = 60.0


@contextmanager
def one_at_a_time(where: StorageUrl, storage: RDBStorage, name: str) -> Iterator[None]:
    """Let no other process into such a block for the study ``name`` meanwhile; a process that dies leaves it.

    SQLite: a lock of a file beside it. PostgreSQL: an advisory lock of the database. Other databases have neither
    here, so that processes which come at the same moment may each take the last trial.

    Raises
    ------
    OSError, sqlalchemy.exc.SQLAlchemyError
        When the lock cannot be had.
    """
    if where.file is not None:
        with FileLock(where.file.with_name(f".{where.file.name}.lock"), timeout=_WAIT_S):
            yield
    elif where.url.get_backend_name() == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with storage.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
            yield
    else:
        yield

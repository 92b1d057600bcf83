"""The SQLite file of past runs: its table, and how it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from tauto.errors import TautoError

__all__ = ["BUSY_S", "SCHEMA", "StoreError", "open_database", "runs"]

SCHEMA = 1
"""Version of the table, kept in the file as ``PRAGMA user_version``."""

BUSY_S = 2.0
"""How long another process's write is waited for."""

runs = Table(
    "runs",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("created", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("report", Text, nullable=False),
    sqlite_autoincrement=True,
)


class StoreError(TautoError, RuntimeError):
    """The store cannot be read; the message says where and what to do."""


@contextmanager
def open_database(file: Path, *, create: bool = False) -> Iterator[Connection]:
    """Open the file, and close it whatever happens.

    Every statement is a transaction of its own, so that two processes only ever wait for each other's one write.

    Raises
    ------
    StoreError
        When the file was written by a newer TAuto.
    sqlalchemy.exc.SQLAlchemyError, OSError
        When it cannot be opened, read or written.
    """
    # a URI, so that reading never makes a file; as_uri() quotes what a folder's name may hold
    uri = f"{file.absolute().as_uri()}?mode={'rwc' if create else 'ro'}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_S),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
    )
    try:
        with engine.connect() as connection:
            _check_version(connection, file, create=create)
            yield connection
    finally:
        engine.dispose()


def _check_version(connection: Connection, file: Path, *, create: bool) -> None:
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > SCHEMA:
        raise StoreError(
            f"{file} was written by a newer TAuto (store version {version}, this one reads {SCHEMA}). Upgrade tauto, "
            "or name another folder in the environment variable TAUTO_STORE."
        )
    if create and version < SCHEMA:
        connection.execute(CreateTable(runs, if_not_exists=True))
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")

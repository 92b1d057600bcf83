"""Past runs, in one SQLite file beside the notebook."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from tauto.config import Settings
from tauto.errors import InvalidArgument, StoreWarning
from tauto.reports import Report, RunRow, RunsReport, report_from_dict
from tauto.reports.report import SCHEMA as REPORT_SCHEMA
from tauto.store.brief import brief
from tauto.store.database import StoreError, open_database, runs

__all__ = ["Store"]

_SHOWN = [runs.c[name] for name in RunRow.__dataclass_fields__]


class Store:
    """Past runs of one folder.

    Parameters
    ----------
    folder : Path or None
        Where ``runs.db`` lies; :attr:`tauto.config.Settings.store` by default. It is made at the first write.

    Examples
    --------
    >>> store = Store(Path("/tmp/example"))   # doctest: +SKIP
    >>> store.get(store.add(report)) == report   # doctest: +SKIP
    True
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder is not None else Settings.current().store

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.folder / "runs.db"

    def add(self, report: Report) -> int | None:
        """Keep ``report`` and return its number; when it cannot be kept, warn and return None.

        Warns
        -----
        StoreWarning
            When the disk is full, the folder read-only, the file locked, corrupt or from a newer TAuto. A result
            is never lost because it could not be stored.
        """
        row = asdict(brief(report)) | {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "schema": REPORT_SCHEMA,
            "report": json.dumps(report.to_dict(), allow_nan=False, separators=(",", ":")),
        }
        try:
            self._make_folder()
            with open_database(self.file, create=True) as connection:
                added = connection.execute(insert(runs).values(row).returning(runs.c.id))
                return int(added.scalar_one())
        except (OSError, SQLAlchemyError, StoreError) as error:
            warnings.warn(f"This run was not stored: {self._trouble(error)}", StoreWarning, stacklevel=2)
            return None

    def list(self, limit: int = 50, verb: str | None = None, model: str | None = None) -> RunsReport:
        """Return the latest runs in brief, those of a ``verb`` and of a ``model`` where these are named.

        Raises
        ------
        StoreError
            When the file cannot be read.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InvalidArgument(f"limit: {limit!r} is not a number of runs. Write a whole number from 1.")
        chosen = [
            column == value for column, value in ((runs.c.verb, verb), (runs.c.model, model)) if value is not None
        ]
        found = self._read(select(*_SHOWN).where(*chosen).order_by(runs.c.id.desc()).limit(limit))
        total = self._read(select(func.count()).select_from(runs).where(*chosen))
        rows = tuple(RunRow(**row) for row in found)
        return RunsReport(self._shown_folder(), rows, int(next(iter(total[0].values()))) if total else 0)

    def get(self, number: int) -> Report:
        """Return the report of the run of this number.

        Raises
        ------
        InvalidArgument
            When there is no such run, or its report is from a newer TAuto.
        StoreError
            When the file cannot be read.
        """
        found = self._read(select(runs.c.report).where(runs.c.id == number))
        if not found:
            raise InvalidArgument(f"run: there is no run {number!r} in {self.folder}. tauto.runs() lists them.")
        try:
            data = json.loads(found[0]["report"])
        except ValueError:
            raise StoreError(f"Run {number} in {self.file} is damaged: its report is not JSON.") from None
        return report_from_dict(data)

    def _read(self, query: Select[Any]) -> Sequence[dict[str, Any]]:
        if not self.file.exists():
            return []
        try:
            with open_database(self.file) as connection:
                return [dict(row._mapping) for row in connection.execute(query)]
        except (OSError, SQLAlchemyError) as error:
            raise StoreError(f"The store of past runs cannot be read: {self._trouble(error)}") from None

    def _shown_folder(self) -> str:
        """From the working folder where that holds it: a saved notebook need not tell where its author keeps it."""
        return str(self.folder.relative_to(Path.cwd()) if self.folder.is_relative_to(Path.cwd()) else self.folder)

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")

    def _trouble(self, error: Exception) -> str:
        """Return in one line where and why, and what to do."""
        if isinstance(error, StoreError):
            return str(error)
        what = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error).splitlines()[0]
        return f"{self.file}: {what}. {_remedy(what.lower())}"


def _remedy(what: str) -> str:
    if "not a database" in what or "malformed" in what or "no such table" in what or "no such column" in what:
        return "Move this file away, and a new one is made at the next run."
    if "locked" in what or "busy" in what:
        return "Another process holds it; try again when that has ended."
    if "full" in what or "no space" in what:
        return "Make room on the disk."
    return "Make the folder writable, or name another in the environment variable TAUTO_STORE."

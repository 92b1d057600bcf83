"""Where studies are kept: a URL whose password is used and never shown."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tauto.config import Settings
from tauto.errors import InvalidArgument

__all__ = ["StorageUrl"]

_KINDS = ("sqlite", "postgresql")
_FILES = (".db", ".sqlite", ".sqlite3")
_SECRET = ("pass", "pwd", "secret", "token", "key")
_HIDDEN = "***"
_URI = "file:"
"""Begins a file of SQLite's that has options, such as ``sqlite:///file:studies.db?mode=ro&uri=true``."""
_HOW = (
    "Write such as 'studies.db', 'sqlite:///studies.db' or 'postgresql://user@host/name'; in a password, the signs "
    "@ : / ? # and % are written %40 %3A %2F %3F %23 and %25."
)


@dataclass(frozen=True, slots=True, repr=False)
class StorageUrl:
    """A database that holds studies.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
        With the password; only :meth:`connecting` gives that away.

    Examples
    --------
    >>> StorageUrl.parse("postgresql://me:secret@host/studies").shown
    'postgresql://me:***@host/studies'
    """

    url: URL

    @classmethod
    def parse(cls, text: str | Path | None = None, argument: str = "storage") -> Self:
        """Return the database that ``text`` says: a URL or an SQLite file; default that of the settings.

        Raises
        ------
        InvalidArgument
            When it is neither. The message does not repeat it, as it may hold a password.
        """
        settings = Settings.current()
        given = text if text is not None else settings.storage or settings.store / "studies.db"
        if isinstance(given, Path) or (isinstance(given, str) and "://" not in given and given.endswith(_FILES)):
            return cls(URL.create("sqlite", database=str(Path(given).expanduser().absolute())))
        url = _parsed(given)
        if url is None or _misread(url):
            raise InvalidArgument(f"{argument}: what is given is no URL of a database. {_HOW}") from None
        if url.get_backend_name() not in _KINDS:
            raise InvalidArgument(
                f"{argument}: studies are not kept in {url.get_backend_name()}, only in SQLite and PostgreSQL. {_HOW}"
            )
        if url.get_backend_name() == "sqlite":
            if url.database in (None, "", ":memory:"):
                raise InvalidArgument(f"{argument}: a study in memory ends with its process. Name a file.")
            path = url.database.removeprefix(_URI)
            url = url.set(database=_URI * (path != url.database) + str(Path(path).absolute()))
        return cls(url)

    @property
    def file(self) -> Path | None:
        """The file, of SQLite's."""
        return Path(str(self.url.database).removeprefix(_URI)) if self.url.get_backend_name() == "sqlite" else None

    @property
    def shown(self) -> str:
        """The URL without what is secret in it; of a file in the working folder the path from there."""
        if self.file is not None:
            here = Path.cwd()
            return str(self.file.relative_to(here) if self.file.is_relative_to(here) else self.file)
        hidden = {name: _HIDDEN for name in self.url.query if _is_secret(name)}
        shown = self.url.update_query_dict(hidden) if hidden else self.url
        return shown.render_as_string(hide_password=True).replace(quote_plus(_HIDDEN), _HIDDEN)

    @property
    def option(self) -> str:
        """What a command at the terminal adds to name it, a space before it; empty where it is the default."""
        if self == StorageUrl.parse():
            return ""
        return " --storage URL" if self.has_secret else f" --storage {shlex.quote(self.shown)}"

    @property
    def has_secret(self) -> bool:
        """Whether the URL holds a password or another secret."""
        return bool(self._secrets())

    def connecting(self) -> str:
        """Return the URL with its password, for the library that connects; of PostgreSQL with a driver that is here."""
        url = self.url
        if url.drivername == "postgresql" and find_spec("psycopg2") is None and find_spec("psycopg") is not None:
            url = url.set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)

    def hide(self, text: object) -> str:
        """Return ``text`` with every secret of the URL taken out: drivers quote it in their errors."""
        found = str(text)
        for secret in self._secrets():
            for form in sorted({secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}, key=len)[::-1]:
                found = found.replace(form, _HIDDEN)
        return found

    def _secrets(self) -> list[str]:
        words = [self.url.password] if self.url.password else []
        for name, value in self.url.query.items():
            if _is_secret(name):
                words += [value] if isinstance(value, str) else list(value)
        return sorted({str(word) for word in words if word}, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"StorageUrl({self.shown!r})"


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET)


def _parsed(text: object) -> URL | None:
    try:
        return make_url(text) if isinstance(text, str) else None
    except (ArgumentError, ValueError):
        return None


def _misread(url: URL) -> bool:
    """Whether a sign of the password was taken for the URL's own, so that a part of it would be shown."""
    if url.get_backend_name() == "sqlite":
        return False
    return any("@" in (part or "") for part in (url.host, url.database, url.username))

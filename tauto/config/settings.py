"""Where TAuto keeps its files, and the defaults a user may change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders that TAuto writes to.

    Parameters
    ----------
    store : Path
        Folder of past runs. Environment variable ``TAUTO_STORE``; default ``.tauto`` in the working folder.
    cache : Path
        Per-user folder of measured ceilings. Environment variable ``TAUTO_CACHE``.
    work : Path
        Per-user private folder (mode 0700) of weights and compiled artefacts. Environment variable
        ``TAUTO_WORK``.
    compiled : Path
        Per-user private folder (mode 0700) of the compiler's own cache, kept between runs. Environment variable
        ``TAUTO_COMPILED``.
    storage : str
        Where studies are kept: a URL such as ``postgresql://host/name``, or an SQLite file. Environment variable
        ``TAUTO_STORAGE``; empty for ``studies.db`` in ``store``.
    figures : str
        Theme of the figures that are drawn: ``light``, or ``dark`` for a dark page. Environment variable
        ``TAUTO_FIGURES``.
    """

    store: Path
    cache: Path
    work: Path
    compiled: Path
    storage: str = ""
    figures: str = "light"

    @classmethod
    def current(cls) -> Settings:
        """Return the settings of this moment: environment variables over defaults."""
        cache = Path(os.environ.get("TAUTO_CACHE") or platformdirs.user_cache_path("tauto"))
        return cls(
            store=Path(os.environ.get("TAUTO_STORE") or Path.cwd() / ".tauto"),
            cache=cache,
            work=Path(os.environ.get("TAUTO_WORK") or cache / "work"),
            compiled=Path(os.environ.get("TAUTO_COMPILED") or cache / "compiled"),
            storage=os.environ.get("TAUTO_STORAGE", ""),
            figures=os.environ.get("TAUTO_FIGURES") or "light",
        )

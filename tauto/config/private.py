"""Folders that nobody but the user may read or write: what lies in them is loaded as code."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tauto.errors import InvalidArgument

__all__ = ["make_private"]


def make_private(path: Path, variable: str) -> None:
    """Refuse a folder that is not this user's own, and close it to others (mode 0700).

    Parameters
    ----------
    path : Path
        A folder that exists.
    variable : str
        The environment variable that names another, for the message.

    Raises
    ------
    InvalidArgument
        When it is a link, no folder, or someone else's.
    """
    found = path.lstat()
    advice = f"Set {variable} to a folder of your own."
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidArgument(f"{variable}: {path} is a link or no folder. {advice}")
    if hasattr(os, "geteuid"):
        if found.st_uid != os.geteuid():
            raise InvalidArgument(f"{variable}: {path} belongs to another user. {advice}")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)

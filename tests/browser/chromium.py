"""Which Chromium the tests drive, and how."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Playwright

__all__ = ["FLAGS", "chromium_path"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW = "apt-get install -y chromium   (or: .venv/bin/playwright install chromium)"


def chromium_path(playwright: Playwright) -> Path:
    """Return the system's Chromium or Chrome, else Playwright's own.

    Raises
    ------
    LookupError
        With the line that installs one, where there is none.
    """
    names = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
    found = [path for name in names if (path := shutil.which(name))]
    for path in map(Path, (*found, playwright.chromium.executable_path)):
        if path.exists():
            return path
    raise LookupError(f"There is no Chromium to test with. Install it: {HOW}")

"""Which frames of a Python stack are the user's own."""

from __future__ import annotations

from pathlib import Path
from types import FrameType

import tauto
from tauto.workload.user_lines import is_users, title

__all__ = ["place", "user_frame"]

_CALLS_MODEL = str(Path(tauto.__file__).parent / "profiling" / "session.py")
"""Where a model that is profiled by itself is called."""


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the user's own code, from ``frame`` outwards; None outside what is profiled.

    The line that had a model profiled by itself is no part of what the model does.
    """
    while frame is not None and not is_users(file := frame.f_code.co_filename):
        frame = frame.f_back if file != _CALLS_MODEL else None
    return frame


def place(frame: FrameType | None) -> str:
    """Return the user's line at work in ``frame`` or further out, such as ``train.py:12``; "" when there is none."""
    found = user_frame(frame)
    return f"{title(found.f_code.co_filename)}:{found.f_lineno}" if found is not None else ""

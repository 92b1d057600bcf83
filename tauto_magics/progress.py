"""Progress of the engine on the user's screen, gone when the work ends."""

from __future__ import annotations

import ast
import contextlib
import linecache
import sys
import time
from collections.abc import Iterator
from html import escape
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle, clear_output

from tauto.cli.progress import TerminalProgress, progress_line
from tauto.events import Progress, listening

__all__ = ["PROGRESS_MIME", "NotebookProgress", "cleared_after", "opens_its_cell", "shown"]

PROGRESS_MIME = "application/vnd.tauto.progress+json"
"""For JupyterLab's extension, which shows it outside the cell too."""

EVERY_S = 0.2
"""Seconds between two updates: a browser is not to be flooded."""


@contextlib.contextmanager
def shown(shell: InteractiveShell, *, alone: bool) -> Iterator[None]:
    """Show what the engine tells inside the ``with`` block.

    Parameters
    ----------
    shell : InteractiveShell
        In a kernel an updating display is used, else one line on stderr.
    alone : bool
        Whether nothing else of the cell can have been shown before, so that its output may be cleared.
    """
    if getattr(shell, "kernel", None) is None:
        with TerminalProgress(sys.stderr) as terminal, listening(terminal.show):
            yield
        return
    notebook = NotebookProgress()
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(notebook.show))
        others = stack.enter_context(_others(shell, notebook)) if alone else None
        try:
            yield
        finally:
            notebook.close(clear=others is not None and not others)


@contextlib.contextmanager
def cleared_after(shell: InteractiveShell, handle: DisplayHandle, *, alone: bool) -> Iterator[None]:
    """Take away after the ``with`` block what ``handle`` displays: with the cell's output where that is all of it."""
    with contextlib.ExitStack() as stack:
        others = stack.enter_context(_others(shell, handle)) if alone else None
        try:
            yield
        finally:
            if others is not None and not others:
                clear_output()
            else:
                handle.update({}, raw=True)


class NotebookProgress:
    """A bar with what is happening and the time left, updated in place."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._shown_at = -EVERY_S

    @property
    def display_id(self) -> str | None:
        """Identifier of the display, once there is one."""
        return None if self._handle is None else str(self._handle.display_id)

    def show(self, progress: Progress) -> None:
        """Show ``progress``, unless the last update was just now."""
        now = time.monotonic()
        if now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        bundle: dict[str, Any] = {
            "text/html": progress_html(progress),
            "text/plain": progress_line(progress),
            PROGRESS_MIME: progress_data(progress),
        }
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)

    def close(self, *, clear: bool) -> None:
        """Take the bar away: the cell's output with it, or the bar alone (an empty output stays, unseen)."""
        if self._handle is None:
            return
        if clear:
            clear_output()
        else:
            self._handle.update({}, raw=True)
        self._handle = None


def progress_data(progress: Progress) -> dict[str, Any]:
    """Return ``progress`` as JSON; ``stoppable`` says whether it is of a search, which can be asked for its end."""
    return {
        "task": progress.task,
        "message": progress.message,
        "done": progress.done,
        "seconds_left": progress.seconds_left,
        "stoppable": progress.standing is not None,
    }


def progress_html(progress: Progress) -> str:
    """Return the bar and the words as HTML."""
    value = "" if progress.done is None else f' value="{min(max(progress.done, 0.0), 1.0):.3f}"'
    return f'<div><progress max="1"{value}></progress> {escape(progress_line(progress))}</div>'


class _Watched:
    """A stream that notes that something was written to it."""

    def __init__(self, stream: Any, seen: list[str]) -> None:
        self._stream, self._seen = stream, seen

    def write(self, text: str) -> Any:
        self._seen.append("stream")
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _others(shell: InteractiveShell, notebook: NotebookProgress | DisplayHandle) -> Iterator[list[str]]:
    """Give a list that is not empty once anybody but ``notebook`` has written to the cell's output."""
    seen: list[str] = []

    def hook(message: dict[str, Any]) -> dict[str, Any]:
        transient = message.get("content", {}).get("transient", {})
        if notebook.display_id is None or transient.get("display_id") != notebook.display_id:
            seen.append("display")
        return message

    publisher: Any = shell.display_pub
    publisher.register_hook(hook)
    try:
        with (
            contextlib.redirect_stdout(_Watched(sys.stdout, seen)),
            contextlib.redirect_stderr(_Watched(sys.stderr, seen)),
        ):
            yield seen
    finally:
        publisher.unregister_hook(hook)


def opens_its_cell(shell: InteractiveShell) -> bool:
    """Whether the magic now running is the first statement of its cell: nothing was shown before it."""
    frame = sys._getframe(1)
    while frame.f_globals is not shell.user_ns:
        if frame.f_back is None:
            return False
        frame = frame.f_back
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    try:
        first = ast.parse(source).body[0]
    except (SyntaxError, IndexError):
        return False
    simple = isinstance(first, ast.Expr | ast.Assign) and frame.f_code.co_name == "<module>"
    return simple and first.lineno <= frame.f_lineno <= (first.end_lineno or first.lineno)

"""How a command answers: progress and errors on stderr, the report on stdout, an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.cli.progress import TerminalProgress
from tauto.errors import Interrupted, InvalidArgument, TautoError
from tauto.events import listening

if TYPE_CHECKING:
    from tauto.results import Result, TuningResult

__all__ = ["INTERRUPTED", "MISTAKE", "answering", "check_files", "complain", "show", "write_tuned"]

MISTAKE = 2
INTERRUPTED = 130


def complain(message: object) -> None:
    """Write one line to stderr."""
    print("tauto: " + " ".join(str(message).split()), file=sys.stderr)


@contextmanager
def answering() -> Iterator[None]:
    """Show progress inside the ``with`` block; end the process as the shell expects when it does not go well.

    Raises
    ------
    SystemExit
        2 for what the user can put right (one line on stderr), 130 when interrupted (the best so far is shown).
    """
    try:
        with TerminalProgress(sys.stderr) as terminal, listening(terminal.show):
            yield
    except TautoError as error:
        complain(error)
        raise SystemExit(MISTAKE) from None
    except Interrupted as stop:
        print(stop.result)
        complain("stopped; this is the best so far.")
        raise SystemExit(INTERRUPTED) from None
    except KeyboardInterrupt:
        complain("stopped.")
        raise SystemExit(INTERRUPTED) from None


def check_files(**files: Path | None) -> None:
    """Say so when a file could not be written at the end, before any work is done.

    Raises
    ------
    InvalidArgument
        When its folder is missing.
    """
    for option, file in files.items():
        if file is not None and not file.expanduser().resolve().parent.is_dir():
            raise InvalidArgument(f"--{option}: there is no folder {file.parent}.")


def show(result: Result[Any], report: Path | None = None) -> None:
    """Print the report, and write it to ``report`` too when named."""
    print(result)
    if report is not None:
        result.save(report)


def write_tuned(result: TuningResult, script: Path | None, recipe: Path | None) -> None:
    """Write the script and the recipe where they are asked for; there is no recipe when the original was kept."""
    if script is not None:
        _write(script, result.script(), "script")
    if recipe is not None:
        if result.recipe is None:
            complain(f"--recipe: the original was kept, so there is no recipe; {recipe} was not written.")
        else:
            _write(recipe, result.recipe.to_yaml(), "recipe")


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.expanduser().write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"--{option}: {path} cannot be written ({error.strerror}).") from None

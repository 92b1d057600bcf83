"""How a command answers: progress and errors on stderr, the report on stdout, an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.cli.progress import TerminalProgress
from tauto.errors import Interrupted, InvalidArgument, TautoError
from tauto.events import listening

if TYPE_CHECKING:
    from tauto.results import DecodingResult, Result, TuningResult

__all__ = [
    "INTERRUPTED",
    "MISTAKE",
    "NOTHING",
    "answering",
    "check_files",
    "complain",
    "finish_tuned",
    "show",
    "write_script",
]

NOTHING = 1
"""It went well, and nothing came of it."""
MISTAKE = 2
INTERRUPTED = 130
REPORT_SUFFIXES = (".html", ".json", ".md", ".txt")
TABLE = ".csv"
"""Of reports that hold a table of trials, ways or modules."""


def complain(message: object) -> None:
    """Write one line to stderr."""
    print("tauto: " + " ".join(str(message).split()), file=sys.stderr)


@contextmanager
def answering(finish: Callable[[Any], None] = print) -> Iterator[None]:
    """Show progress inside the ``with`` block; end the process as the shell expects when it does not go well.

    ``finish`` is what to do with the best so far when a search is interrupted.

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
        finish(stop.result)
        complain("stopped; this is what was found until then.")
        raise SystemExit(INTERRUPTED) from None
    except KeyboardInterrupt:
        complain("stopped.")
        raise SystemExit(INTERRUPTED) from None


def check_files(*, table: bool = False, **files: Path | None) -> None:
    """Say so when a file could not be written at the end, before any work is done.

    Raises
    ------
    InvalidArgument
        When its folder is missing, or a report's suffix is none of a report's forms.
    """
    for option, file in files.items():
        if file is not None and not file.expanduser().resolve().parent.is_dir():
            raise InvalidArgument(f"--{option}: there is no folder {file.parent}.")
    forms = (*REPORT_SUFFIXES, TABLE) if table else REPORT_SUFFIXES
    if (report := files.get("report")) is not None and report.suffix.lower() not in forms:
        raise InvalidArgument(f"--report: end the name in {', '.join(forms)}, not {report.suffix!r}.")


def show(result: Result[Any], report: Path | None = None, model: str = "") -> None:
    """Print the report, and write it to ``report`` too when named.

    ``model`` is how the model and its inputs were written, for the commands that the report proposes.
    """
    from tauto.rendering.hints import Hints

    result.hints = Hints("terminal", model)
    print(result)
    if report is not None:
        result.save(report)


def finish_tuned(
    result: TuningResult, report: Path | None = None, script: Path | None = None, recipe: Path | None = None
) -> None:
    """Print the report, and write report, script and recipe where asked; there is no recipe for the original."""
    show(result, report)
    write_script(result, script)
    if recipe is not None:
        if result.recipe is None:
            complain(f"--recipe: the original was kept, so there is no recipe; {recipe} was not written.")
        else:
            _write(recipe, result.recipe.to_yaml(), "recipe")


def write_script(result: TuningResult | DecodingResult, script: Path | None) -> None:
    """Write the plain Python of ``result`` to ``script`` where asked."""
    if script is not None:
        _write(script, result.script(), "script")


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.expanduser().write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"--{option}: {path} cannot be written ({error.strerror}).") from None

"""The command line as a whole."""

from __future__ import annotations

import sys

import typer

from tauto.cli.answer import MISTAKE, complain
from tauto.cli.apply import apply
from tauto.cli.autotune import autotune
from tauto.cli.compile import compile as compile_
from tauto.cli.decode import decode
from tauto.cli.distill import distill
from tauto.cli.factorize import factorize
from tauto.cli.fix import fix
from tauto.cli.hardware import hardware
from tauto.cli.profile import profile
from tauto.cli.prune import prune
from tauto.cli.quantize import quantize
from tauto.cli.runs import runs
from tauto.cli.sensitivity import sensitivity
from tauto.cli.studies import studies
from tauto.cli.tune import tune
from tauto.cli.worker import worker
from tauto.config import FrontEnd, use_front_end

__all__ = ["app", "run"]

app = typer.Typer(
    name="tauto",
    help="Makes a PyTorch model faster and smaller, and proves it. A model is module:name or file.py:name.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_CHANGES = (quantize, prune, factorize, distill, compile_, decode, autotune, apply)
for command in (profile, fix, sensitivity, *_CHANGES, tune, worker, runs, hardware):
    app.command()(command)
app.add_typer(studies, name="studies")


def run() -> None:
    """Run the command that ``sys.argv`` says, and end the process with its exit code."""
    before = use_front_end(FrontEnd("terminal"))
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="tauto", standalone_mode=False)
    except Exception as error:
        # a mistake on the line: Typer's parser gives it a message for people, whichever click it carries
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        complain(message())
        code = MISTAKE
    finally:
        use_front_end(before)
    sys.exit(code)

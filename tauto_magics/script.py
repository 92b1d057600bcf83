"""``%tauto_script [result]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.errors import UsageError, one_line, translated
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import RESULT

__all__ = ["SCRIPT", "Script"]


class Script(str):
    """The text of a script, displayed as it is and not as a quoted string."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        for number, line in enumerate(self.rstrip("\n").split("\n")):
            if number:
                printer.break_()
            printer.text(line)


def _options(parser: Parser) -> None:
    parser.takes("result", RESULT, "the result; default: the last one", optional=True)
    parser.add_argument("--to", metavar="FILE", help="write the script to this file too")


def _run(call: Invocation) -> Any:
    name = call.arguments.result
    result = None if name is None else call.names.find(name, RESULT)
    text = Script(translated(lambda: tauto.script(result)))
    if call.arguments.to is not None:
        _write(call.arguments.to, text)
    return text


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"--to: {file!r} cannot be written: {one_line(error)}") from None


SCRIPT = Magic("tauto_script", "The plain Python that does what the last result did.", _options, _run)

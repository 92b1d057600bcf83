"""From the text after a magic's name to its arguments."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from tauto.errors import did_you_mean
from tauto_magics.errors import UsageError
from tauto_magics.names import Kind

__all__ = ["Parser", "split"]


class Parser(argparse.ArgumentParser):
    """An argument parser of one magic: it raises instead of exiting, and knows what each value names."""

    def __init__(self, magic: str, summary: str) -> None:
        super().__init__(
            prog=f"%{magic}",
            description=summary,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.names: dict[str, Kind] = {}
        """What an option's value, or a positional's (by its dest), names in the namespace."""
        self.add_argument("--help", action="store_true", help="print this and do nothing")

    def takes(self, flag: str, kind: Kind, text: str, *, optional: bool = False) -> None:
        """Add an argument whose value is a name of ``kind`` in the user's namespace."""
        self.names[flag] = kind
        if flag.startswith("-"):
            self.add_argument(flag, metavar="NAME", help=text)
        else:
            self.add_argument(flag, nargs="?" if optional else None, help=text)

    @property
    def options(self) -> list[str]:
        """Every option, as it is written."""
        return [flag for action in self._actions for flag in action.option_strings]

    @property
    def positionals(self) -> list[str]:
        """Every positional argument, in order."""
        return [action.dest for action in self._actions if not action.option_strings]

    def takes_value(self, option: str) -> bool:
        """Whether a value follows ``option``."""
        return any(option in action.option_strings and action.nargs != 0 for action in self._actions)

    def parse_line(self, line: str) -> argparse.Namespace:
        """Return the arguments that ``line`` says.

        Raises
        ------
        UsageError
            When it does not parse; an unknown option gets close matches.
        """
        words = split(line)
        if "--" in words:  # argparse would make a list of what follows two of them
            self.error("'--' alone means nothing here")
        arguments, extra = self.parse_known_args(words)
        if extra:
            self._refuse(extra[0])
        return arguments

    def _refuse(self, word: str) -> NoReturn:
        if word.startswith("-"):
            option = word.partition("=")[0]
            self.error(f"there is no option {option}. {did_you_mean(option, self.options)}".rstrip())
        self.error(f"{word!r} is one word too many")

    def error(self, message: str) -> NoReturn:
        """Raise a :class:`UsageError` that says how to get help."""
        end = "" if message.endswith((".", "?")) else "."
        raise UsageError(f"{self.prog}: {message}{end} See {self.prog} --help.")


def split(line: str) -> list[str]:
    """Return the words of ``line`` by the shell's rules of quoting.

    Raises
    ------
    UsageError
        When a quotation is not closed.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line.strip()!r} does not parse: {str(error).lower()}.") from None

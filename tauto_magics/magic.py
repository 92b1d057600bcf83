"""What a magic is made of, and what every call of one has in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from tauto_magics.arguments import Parser, split
from tauto_magics.errors import UsageError, translated
from tauto_magics.names import Names
from tauto_magics.settings import TautoMagics

__all__ = ["Invocation", "Magic"]


@dataclass(frozen=True)
class Invocation:
    """One use of a magic."""

    shell: InteractiveShell
    settings: TautoMagics
    arguments: argparse.Namespace
    cell: str | None = None

    @cached_property
    def names(self) -> Names:
        """The names of the user."""
        return Names(self.shell.user_ns, self.shell.user_ns_hidden)


@dataclass(frozen=True)
class Magic:
    """One magic: its name, its options, and the one call of the engine that it makes.

    Parameters
    ----------
    name : str
        Without the percent sign.
    summary : str
        One line, for the list of magics and the help.
    options : callable
        Adds the magic's arguments to its parser.
    run : callable
        Makes the call and returns the result.
    cell : bool
        Whether it also takes a cell.
    """

    name: str
    summary: str
    options: Callable[[Parser], None]
    run: Callable[[Invocation], Any]
    cell: bool = False

    @cached_property
    def parser(self) -> Parser:
        """The parser, made at first use: loading the extension must stay quick."""
        parser = Parser(self.name, self.summary)
        self.options(parser)
        return parser

    def call(self, shell: InteractiveShell, settings: TautoMagics, line: str, cell: str | None = None) -> Any:
        """Parse ``line`` and run; a trailing ``;`` hides the result, ``--help`` prints and does nothing.

        Raises
        ------
        UsageError
            When the line cannot be followed; nothing was changed.
        """
        __tracebackhide__ = True  # an error of the user's own cell shows the user's own lines
        text = line.rstrip()
        hidden = text.endswith(";")
        text = text.rstrip("; \t")
        if "--help" in split(text):
            print(self.parser.format_help())
            return None
        if cell is not None and not cell.strip():
            raise UsageError(f"%%{self.name}: the cell has nothing to run.")
        arguments = self._arguments(text, settings)
        result = self.run(Invocation(shell, settings, arguments, cell))
        if hidden:
            return None
        if getattr(arguments, "panel", False) and hasattr(result, "panel"):  # that of a search is there from its start
            return translated(result.panel)
        return result

    def _arguments(self, line: str, settings: TautoMagics) -> argparse.Namespace:
        """Return what ``line`` says, over the default options that the user has set for this magic."""
        own = self.parser.parse_line(line)
        if not (given := settings.options.get(self.name)):
            return own
        try:
            return self.parser.parse_line(f"{given} {line}")
        except UsageError as error:
            raise UsageError(f"The default options of %{self.name}, {given!r}, do not fit: {error}") from None

    def bound(self, shell: InteractiveShell, settings: TautoMagics) -> Callable[..., Any]:
        """Return the function that IPython calls for this magic."""

        def magic(line: str, cell: str | None = None) -> Any:
            __tracebackhide__ = True
            return self.call(shell, settings, line, cell)

        magic.__name__ = magic.__qualname__ = self.name
        magic.__doc__ = f"{self.summary}\n\nOptions: %{self.name} --help"
        # names are looked up, so braces and dollars on the line are not IPython's to evaluate
        function: Callable[..., Any] = no_var_expand(magic)
        return function

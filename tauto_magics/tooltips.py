"""Tooltips (Shift-Tab) on a magic's line: what the option under the cursor means, else the magic's help.

A kernel looks up the word at the cursor as a name; an option is none, so its line is read here first.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Iterable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from tauto_magics.completion import LINE
from tauto_magics.magic import Magic

__all__ = ["leave_tooltips", "tooltip", "use_tooltips"]


def tooltip(magics: Iterable[Magic], code: str, position: int) -> str | None:
    """Return the words for what stands at ``position`` of ``code``; None where the kernel knows better."""
    begins = code.rfind("\n", 0, position) + 1
    ends = code.find("\n", position)
    line = code[begins : len(code) if ends < 0 else ends]
    found = LINE.match(f"{line} ")
    magic = next((known for known in magics if found and known.name == found[1]), None)
    if found is None or magic is None:
        return None
    at = position - begins
    if at < found.start(2):
        return magic.parser.format_help()
    word = _word(line, at)
    options = [action for action in magic.parser._actions if word.partition("=")[0] in action.option_strings]
    return _told(options[0]) if options else None


def _word(line: str, at: int) -> str:
    before = line[:at].rpartition(" ")[2]
    return before + line[at:].partition(" ")[0]


def _told(action: argparse.Action) -> str:
    name = " ".join(part for part in (action.option_strings[0], _value(action)) if part)
    return f"{name}\n\n{(action.help or '').replace('%%', '%')}"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return "{" + ",".join(map(str, action.choices)) + "}" if action.choices else str(action.metavar or "")


def use_tooltips(shell: InteractiveShell, magics: tuple[Magic, ...]) -> None:
    """Let the kernel of ``shell`` answer for ``magics``; where there is no kernel there are no tooltips."""
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is None:
        return
    inspect = kernel.do_inspect

    async def do_inspect(code: str, cursor_pos: int, *args: Any, **keywords: Any) -> Any:
        words = tooltip(magics, code, cursor_pos)
        if words is not None:
            return {"status": "ok", "found": True, "data": {"text/plain": words}, "metadata": {}}
        answer = inspect(code, cursor_pos, *args, **keywords)
        return await answer if isinstance(answer, Awaitable) else answer

    kernel.do_inspect = do_inspect  # on this kernel alone, not on its class


def leave_tooltips(shell: InteractiveShell) -> None:
    """Take back what :func:`use_tooltips` did."""
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        vars(kernel).pop("do_inspect", None)

"""The user's cell under a cell magic, run as IPython runs it: its errors rise, its last value is displayed."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell

from tauto_magics.errors import UsageError

__all__ = ["Cell", "compile_cell", "number_of", "running_cell"]

_COUNTED = re.compile(r"In\[(\d+)\]")


def number_of(shell: InteractiveShell, file: str) -> str:
    """Return the number that stands beside the cell of ``file``, as the shell's own tracebacks have it; "" for none."""
    label = shell.compile.format_code_name(file)  # ("Cell", "In[7]")
    found = _COUNTED.fullmatch(label[1]) if label else None
    return found[1] if found else ""


def running_cell(shell: InteractiveShell) -> int:
    """Return the number of the cell at work; the shell's own counter is ahead of it in some versions of IPython."""
    frame: FrameType | None = sys._getframe()
    number = ""
    while frame is not None:
        number = number_of(shell, frame.f_code.co_filename) or number
        frame = frame.f_back
    return int(number) if number else shell.execution_count


@dataclass(frozen=True, slots=True)
class Cell:
    """A compiled cell: its statements, and its last expression when it ends in one."""

    body: CodeType
    last: CodeType | None
    silent: bool
    """Whether the cell ends in ``;``, so that its value is not displayed."""
    source: str = ""
    """As plain Python: magics and ``!`` lines are calls."""

    def run(self, namespace: dict[str, Any]) -> Any:
        """Execute the cell in ``namespace`` and return the value of its last expression."""
        exec(self.body, namespace)
        return None if self.last is None else eval(self.last, namespace)

    def lines_of(self, error: BaseException) -> TracebackType | None:
        """Return the traceback of ``error`` from the cell's own lines on, without the frames that led there."""
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code not in (self.body, self.last):
            trace = trace.tb_next
        return trace

    def show(self, value: Any) -> None:
        """Display the value of the cell as IPython would."""
        if value is not None and not self.silent:
            sys.displayhook(value)


def compile_cell(shell: InteractiveShell, text: str, magic: str, doing: str = "profiled") -> Cell:
    """Return ``text`` transformed, parsed and compiled under the shell's cache, so that tracebacks show its lines.

    Lines are counted as the notebook does, where the first is that of the magic.

    Raises
    ------
    SyntaxError
        The cell's own, as IPython shows it.
    UsageError
        When the cell awaits at its top level.
    """
    compiler: Any = shell.compile
    source = shell.transform_cell(text)
    below = "\n" + source
    tree = shell.transform_ast(compiler.ast_parse(below))
    filename = compiler.cache(below, running_cell(shell), raw_code=text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with compiler.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        body = compiler(tree, filename, "exec")
        value = compiler(ast.Expression(last.value), filename, "eval") if last else None
    if any(code.co_flags & inspect.CO_COROUTINE for code in (body, value) if code):
        raise UsageError(
            f"%%{magic}: a top-level await cannot be {doing}. "
            f"Await in a cell before it, or name a plain function that runs the coroutine."
        )
    return Cell(body, value, DisplayHook.semicolon_at_end_of_expression(source), source)

"""What is tuned: a function or a cell of the user's, and how it travels to its trials."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

from tauto.errors import InvalidArgument, a_kind
from tauto.execution import save_workload
from tauto.tuning.study import cell_parts, function_parts
from tauto.workload.cell import Cell

__all__ = ["CELL_TITLE", "Subject"]

CELL_TITLE = "the cell"
_WAY = "Make it inside the objective, or take it out."


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tuned.

    Parameters
    ----------
    what : callable or Cell
        A function without arguments, or a cell, whose last expression is the figure.
    origin : str
        Where it came from at a terminal, such as ``train.py:objective``.
    """

    what: Callable[[], Any] | Cell
    origin: str = ""

    @classmethod
    def of(cls, what: Any, origin: str = "") -> Subject:
        """Return the subject, checked.

        Raises
        ------
        InvalidArgument
            When it cannot be called, or not without arguments.
        """
        if isinstance(what, Cell):
            return cls(what, origin)
        if not callable(what) or isinstance(what, type):
            raise InvalidArgument(
                f"objective: {a_kind(what)} cannot be tuned. Give a function without arguments that returns "
                "the figure to optimize."
            )
        try:
            inspect.signature(what).bind()
        except TypeError:
            name = getattr(what, "__name__", "objective")
            raise InvalidArgument(
                f"objective: {name} cannot be called without arguments. Ask for its values inside, such as "
                "lr = tauto.suggest.float('lr', 1e-5, 1e-1, log=True); what is fixed it may read from outside."
            ) from None
        except ValueError:  # a builtin that does not say
            pass
        return cls(what, origin)

    @property
    def title(self) -> str:
        """What the user calls it."""
        if isinstance(self.what, Cell):
            return CELL_TITLE
        return str(getattr(self.what, "__name__", None) or type(self.what).__name__)

    @property
    def parts(self) -> Mapping[str, str]:
        """The digests of its code, and of what of the user's it reads."""
        if isinstance(self.what, Cell):
            return cell_parts(self.what)
        function = _function_in(self.what)
        return function_parts(function) if function is not None else {}

    def save(self, path: Path) -> None:
        """Write it to ``path``, for its trials.

        Raises
        ------
        NotTransferable
            When something that it reads cannot be sent to another process; it is named.
        """
        code = self.what.code if isinstance(self.what, Cell) else getattr(_function_in(self.what), "__code__", None)
        packed: dict[str, Any] = {"lines": _lines_of(code)}
        if isinstance(self.what, Cell):
            packed |= {CELL_TITLE: self.what.carrier(), "source": self.what.source}
        else:
            packed[self.title] = self.what
        save_workload(packed, path, way=_WAY)


def _function_in(what: Any) -> FunctionType | None:
    """Return the plain function behind a method, a partial or an object that can be called."""
    for _ in range(8):
        if isinstance(what, FunctionType):
            return inspect.unwrap(what) if isinstance(inspect.unwrap(what), FunctionType) else what
        what = what.__func__ if isinstance(what, MethodType) else getattr(what, "func", None) or type(what).__call__
    return None


def _lines_of(code: CodeType | None) -> dict[str, list[str]]:
    """Return the source of a notebook's cell, which no file holds, for the lines that errors name."""
    if code is None or Path(code.co_filename).exists():
        return {}
    return {code.co_filename: linecache.getlines(code.co_filename)}

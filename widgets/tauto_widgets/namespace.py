"""Names of the user's that a panel writes: only those it is told, and none in silence."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import MutableMapping
from typing import Any

__all__ = ["Namespace"]


class Namespace:
    """The user's names.

    Parameters
    ----------
    names : mutable mapping, optional
        Default those of the running IPython; none where there is no IPython.
    """

    def __init__(self, names: MutableMapping[str, Any] | None = None) -> None:
        self._names = names

    @property
    def names(self) -> MutableMapping[str, Any]:
        """The names themselves."""
        if self._names is None:
            from IPython.core.getipython import get_ipython

            shell = get_ipython()
            self._names = {} if shell is None else shell.user_ns
        return self._names

    def refusal(self, name: str, *, over: bool = False) -> str:
        """Return why ``name`` may not be written, in one sentence; empty where it may.

        Parameters
        ----------
        name : str
            As the user typed it.
        over : bool
            Whether what it names now may be replaced.
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            return f"{name!r} is not a name that Python allows. Write one such as 'fast'."
        if hasattr(builtins, name) or name in {"In", "Out", "get_ipython", "exit", "quit"} or name.startswith("_"):
            return f"{name!r} is a name of Python's or IPython's own. Write another, such as 'fast'."
        if name in self.names and not over:
            return f"{name!r} is in use. Write another, or press once more to replace it."
        return ""

    def write(self, name: str, value: Any) -> None:
        """Let ``name`` name ``value``."""
        self.names[name] = value

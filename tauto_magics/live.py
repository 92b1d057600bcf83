"""A live panel of a search, on the screen from its start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle

from tauto.errors import InvalidArgument
from tauto_magics.progress import cleared_after

__all__ = ["live_panel", "watched"]


def live_panel(shell: InteractiveShell) -> Any:
    """Return a panel that waits for a search.

    Raises
    ------
    InvalidArgument
        When there is no notebook to show it in.
    MissingDependency
        When the panels, or what they need, are not installed.
    """
    if getattr(shell, "kernel", None) is None:
        raise InvalidArgument("--panel: a terminal shows no panels. Leave it out, or use a notebook.")
    from tauto.results.panels import panel_class  # loading the extension imports no torch

    return panel_class("tuning", "search")()


@contextlib.contextmanager
def watched(shell: InteractiveShell, panel: Any, *, alone: bool) -> Iterator[None]:
    """Show the search that runs inside the ``with`` block in ``panel``, which is gone from the output after it.

    Parameters
    ----------
    shell : InteractiveShell
        Of the cell.
    panel : object
        As :func:`live_panel` makes it; it stays what it is, to be shown again with the result.
    alone : bool
        Whether nothing else of the cell can have been shown before, so that its output may be cleared.
    """
    handle = DisplayHandle()
    handle.display(panel.live_bundle(), raw=True)
    with cleared_after(shell, handle, alone=alone), panel.watching():
        yield

"""Messages that reach a panel while a cell runs.

JupyterLab (from 4.4) sends what a widget's front end says to a subshell of the kernel, a thread beside the one that
runs cells. ipykernel 7.4 hands it on to where the widget last published from instead: for one that draws while a cell
runs, to the shell that is busy with it, so that a button would wait for the cell's end.
"""

from __future__ import annotations

from typing import Any

__all__ = ["answer_where_asked"]


def answer_where_asked(comm: Any) -> bool:
    """Have ``comm`` be answered on the shell that its front end asks for; say whether anything had to be done.

    Kernels that do not route replies leave messages there anyway, and those without subshells have one shell only: the
    front end finds out by a ping whether it can be heard.
    """
    if not hasattr(comm, "_reply_subshell_for"):
        return False
    comm._reply_subshell_for = lambda data, asked: asked
    return True

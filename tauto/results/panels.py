"""The live panel of a result, where a package brings one."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from tauto.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    from tauto.results.result import Result

__all__ = ["GROUP", "panel_class", "panel_of"]

GROUP = "tauto.panels"
"""Entry points of panels: each bears the kind of report that it shows."""


def panel_of(result: Result[Any]) -> Any:
    """Return a panel of ``result``.

    Raises
    ------
    InvalidArgument
        When no panel shows such a result.
    MissingDependency
        When the panels, or what they need, are not installed.
    """
    return panel_class(result.report.kind, result.noun)(result)


def panel_class(kind: str, noun: str) -> Any:
    """Return the class of panels that shows reports of this ``kind``, which a person calls a ``noun``.

    Raises
    ------
    InvalidArgument
        When there is none.
    MissingDependency
        When the panels, or what they need, are not installed.
    """
    known = entry_points(group=GROUP)
    if not known:
        raise MissingDependency("panel: no panels are installed. Run: pip install 'tauto[notebook]'")
    if kind not in known.names:
        with_one = ", ".join(sorted(known.names))
        raise InvalidArgument(f"panel: there is no panel of a {noun}; there is one of: {with_one}.")
    try:
        return known[kind].load()
    except ImportError as error:
        raise MissingDependency(
            f"panel: {error.name or error} is not installed. Run: pip install 'tauto[notebook]'"
        ) from None

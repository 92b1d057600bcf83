"""A part of a result that shows itself, such as one table of it."""

from __future__ import annotations

from tauto import rendering
from tauto.rendering.document import Document

__all__ = ["Shown"]


class Shown:
    """A page that a notebook and a terminal show, and nothing more.

    Parameters
    ----------
    document : Document
        What stands on it.
    """

    def __init__(self, document: Document) -> None:
        self._document = document

    def __repr__(self) -> str:
        return rendering.text(self._document)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return the forms in which a notebook shows and keeps this."""
        return {"text/plain": repr(self), "text/html": rendering.html(self._document)}

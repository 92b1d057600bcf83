"""A figure that a notebook shows by itself. Imported only where matplotlib is there."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

__all__ = ["ShownFigure"]


class ShownFigure(Figure):
    """A figure that the last line of a cell shows: without pyplot, IPython would print its name alone."""

    def _repr_png_(self) -> bytes:
        """Return the image that a notebook shows and keeps."""
        image = BytesIO()
        self.savefig(image, format="png")
        return image.getvalue()

"""What all panels have in common: the front end, the report as JSON, and the static report above the live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from IPython.display import display

from tauto.errors import MissingDependency
from tauto.rendering import bounded
from tauto.results import Result

if TYPE_CHECKING:
    from tauto.reports import Report

__all__ = ["Panel", "front_end"]

STATIC = Path(__file__).parent / "static"

# the part that is live says nothing where it cannot live, and JupyterLab's words about a lost widget stay unseen
_HIDE_WHAT_IS_LOST = (
    "<style>:has(> * .tauto-static) + * "
    '[data-mime-type="application/vnd.jupyter.widget-view+json"]:not(:has(*)) {display: none}</style>'
)


def front_end(name: str) -> str:
    """Return the built front end of the panel ``name``; empty where it has not been built."""
    file = STATIC / f"{name}.js"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


class Panel(anywidget.AnyWidget):
    """A live view of a result.

    It is displayed as two things: the static report, and what is live, which hides the static one as long as it is
    drawn. A notebook that was saved reads well without a kernel.

    Parameters
    ----------
    result : Result, optional
        What is shown; a panel of something that is yet to come has none.

    Raises
    ------
    MissingDependency
        When this installation has no front end for it.
    """

    _esm = ""
    report = traitlets.Dict().tag(sync=True)
    """The report as JSON, small enough to travel."""

    def __init__(self, result: Result[Any] | None = None) -> None:
        if not self._esm:
            raise MissingDependency(
                "The panels' front ends have not been built in this installation. In a checkout run `make front-ends` "
                "(it fetches Node.js where there is none); a wheel that was built with Node.js carries them."
            )
        self.result = result
        super().__init__(report={} if result is None else bounded(result.report))

    def show(self, report: Report) -> None:
        """Draw ``report`` from now on."""
        self.report = bounded(report)

    def live_bundle(self) -> dict[str, Any]:
        """Return what displays the live part alone; its other forms are empty, since a static report stands for it."""
        live = self._repr_mimebundle_() or {}
        bundle = live[0] if isinstance(live, tuple) else live
        return {**bundle, "text/html": "", "text/plain": ""}

    def _ipython_display_(self) -> None:
        if self.result is None:
            display(self.live_bundle(), raw=True)
            return
        static = self.result._repr_mimebundle_()
        html = f'<div class="tauto-static">{static["text/html"]}</div>{_HIDE_WHAT_IS_LOST}'
        display({**static, "text/html": html}, raw=True)
        display(self.live_bundle(), raw=True)

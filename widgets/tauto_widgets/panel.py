"""What all panels have in common: the front end, the report as JSON, and the static report above the live one."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from IPython.display import display

from tauto.errors import MissingDependency
from tauto.rendering import bounded
from tauto.results import REPORT_MIME, Result

if TYPE_CHECKING:
    from tauto.reports import Report

__all__ = ["Panel", "front_end"]

LIMIT_BYTES = 8_000_000
"""Of a report's JSON on its way to the browser; what is saved with a notebook is smaller."""
EVERY_S = 1.0
STATIC = Path(__file__).parent / "static"

# JupyterLab's words about a lost widget (a text alone) stay unseen below the report that stands for it; as in style.css
_HIDE_WHAT_IS_LOST = (
    "<style>.jp-OutputArea-child:has(.tauto-static) + .jp-OutputArea-child "
    ".jp-OutputArea-output:not(:has(*)) {display: none}</style>"
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
    token = traitlets.Unicode().tag(sync=True)
    """What the static report above the panel bears, so that the panel finds it."""

    def __init__(self, result: Result[Any] | None = None) -> None:
        if not self._esm:
            raise MissingDependency(
                "The panels' front ends have not been built in this installation. In a checkout run `make front-ends` "
                "(it fetches Node.js where there is none); a wheel that was built with Node.js carries them."
            )
        self.result: Any = result
        self._displayed = False
        report = {} if result is None else bounded(result.report, LIMIT_BYTES)
        super().__init__(report=report, token=secrets.token_hex(8))

    @contextlib.contextmanager
    def signs_of_life(self) -> Iterator[None]:
        """Let the front end know each second that the kernel is there, for as long as the ``with`` block lasts."""
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(EVERY_S):
                self.send({"is": "alive"})

        teller = threading.Thread(target=tell, name="tauto-signs", daemon=True)
        teller.start()
        try:
            yield
        finally:
            ended.set()

    def show(self, report: Report) -> None:
        """Draw ``report`` from now on."""
        self.report = bounded(report, LIMIT_BYTES)

    def live_bundle(self) -> dict[str, Any]:
        """Return what displays the live part alone; its other forms are empty, since a static report stands for it."""
        live: Any = self._repr_mimebundle_() or {}
        bundle = live[0] if isinstance(live, tuple) else live
        return {**bundle, "text/html": "", "text/plain": ""}

    def renew(self) -> None:
        """Have the static report tell what was found out since it was displayed: it is what a notebook keeps."""
        if self._displayed:
            self._display_static(update=True)

    def _ipython_display_(self) -> None:
        if self.result is not None:
            self._display_static(update=False)
            self._displayed = True
        display(self.live_bundle(), raw=True)

    def _display_static(self, *, update: bool) -> None:
        static = self.result._repr_mimebundle_()
        marks = f"tauto-static tauto-of-{self.token}"
        html = f'<div class="{marks}">{static["text/html"]}</div>{_HIDE_WHAT_IS_LOST}'
        # a renderer of the JSON form marks what it draws in the same way
        metadata = {REPORT_MIME: {"panel": self.token}}
        display({**static, "text/html": html}, raw=True, metadata=metadata, display_id=self.token, update=update)

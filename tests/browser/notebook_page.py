"""A notebook open in JupyterLab, as a person has it before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from accessibility import violations
from lab_server import ROOT, JupyterServer
from playwright.sync_api import BrowserContext, Locator, Page

__all__ = ["SCREENSHOTS", "NotebookPage"]

SCREENSHOTS = ROOT / "demo-output/screenshots"
LOADS_WITHIN_MS = 90_000
WITHIN_MS = 60_000
TALL_PX = 2400
# the front end's own words about itself, none of them ours
NOT_OURS = ("favicon", "Could not restore the debugger state")

RUN = """async (index) => {
  const notebook = jupyterapp.shell.currentWidget.content
  notebook.activeCellIndex = index
  await jupyterapp.commands.execute("notebook:run-cell")
}"""
IS_READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget
  return panel?.sessionContext?.session?.kernel?.status === "idle" && panel.content?.widgets?.length > 0
}"""
IS_OPEN = "() => window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length > 0"


class NotebookPage:
    """One notebook in one page of the browser.

    Parameters
    ----------
    server : JupyterServer
        That has it.
    context : BrowserContext
        Of the browser: its size and what it prefers.
    """

    def __init__(self, server: JupyterServer, context: BrowserContext) -> None:
        self._server = server
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WITHIN_MS)
        self.errors: list[str] = []
        """What the console called an error, and exceptions that nobody caught."""
        self.elsewhere: list[str] = []
        """Addresses outside the server that the page asked for."""
        self.page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))

    def _note(self, words: str) -> None:
        if not any(known in words for known in NOT_OURS):
            self.errors.append(words)

    def _requested(self, url: str) -> None:
        if not url.startswith((self._server.url, self._server.url.replace("http", "ws", 1), "data:", "blob:")):
            self.elsewhere.append(url)

    def open(self, cells: list[str], name: str = "page.ipynb") -> None:
        """Write a notebook of code ``cells``, open it, and wait for its kernel."""
        made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        made.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(made, self._server.notebooks / name)
        self.visit(name)
        self.page.wait_for_function(IS_READY, timeout=LOADS_WITHIN_MS)

    def visit(self, name: str = "page.ipynb") -> None:
        """Open a notebook that is there, and wait until its cells are shown."""
        workspace = Path(name).stem
        self.page.goto(f"{self._server.url}lab/workspaces/{workspace}/tree/{name}?reset&token={self._server.token}")
        self.page.wait_for_function(IS_OPEN, timeout=LOADS_WITHIN_MS)

    def command(self, name: str, **arguments: Any) -> None:
        """Execute one of JupyterLab's commands, and wait for it."""
        # what it returns, often a whole widget, is not to travel here
        execute = "async ([name, given]) => { await jupyterapp.commands.execute(name, given) }"
        self.page.evaluate(execute, [name, arguments])

    def begin(self, name: str) -> None:
        """Execute one of JupyterLab's commands that asks something before it goes on."""
        self.page.evaluate("(name) => { jupyterapp.commands.execute(name) }", name)

    def run(self, index: int) -> Locator:
        """Run the cell at ``index``, wait for its end, and return its output."""
        self.page.evaluate(RUN, index)
        return self.output(index)

    def start(self, index: int) -> Locator:
        """Run the cell at ``index`` without waiting for its end; return its output."""
        self.page.evaluate(f"(index) => {{ ({RUN})(index) }}", index)
        return self.output(index)

    def output(self, index: int) -> Locator:
        """Return what the cell at ``index`` shows."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-Cell-outputArea")

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save")

    def notebook(self, name: str = "page.ipynb") -> nbformat.NotebookNode:
        """Return a notebook as it was saved."""
        return nbformat.read(self._server.notebooks / name, as_version=4)

    def dark(self) -> None:
        """Change to JupyterLab's dark theme."""
        self.command("apputils:change-theme", theme="JupyterLab Dark")
        self.page.wait_for_function('document.body.dataset.jpThemeLight === "false"')

    def wander(self, over: Locator) -> None:
        """Move the mouse about at the left, where each level of a map begins; a chart may draw after the first move."""
        over.hover()
        box = over.bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}
        x, y = box["x"] + 5, box["y"] + box["height"] / 2
        for step in range(20):
            self.page.mouse.move(x + step, y)
            self.page.wait_for_timeout(20)

    def screenshot(self, name: str, shown: Locator | None = None) -> Path:
        """Keep a picture of what is ``shown`` (default the page) among the artefacts."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        usual = self.page.viewport_size
        if shown is not None and usual is not None:
            # what is taller than the window would be cut into pieces
            self.page.set_viewport_size({"width": usual["width"], "height": TALL_PX})
        (shown or self.page).screenshot(path=path)
        if usual is not None:
            self.page.set_viewport_size(usual)
        return path

    def violations(self, selector: str) -> list[str]:
        """Return what axe finds wrong with the accessibility of what ``selector`` selects."""
        return violations(self.page, selector)

"""Front ends in a real JupyterLab: how soon the renderer draws a saved report, and how long Stop takes.

A part of ``python -m benchmarks.front_ends``. The renderer's first paint is from the call that JupyterLab makes to the
second frame after it. Stop is pressed while a trial is in the middle of something long: once until the kernel's answer
is back in the browser, over a subshell beside the busy cell, and once until the cell has ended with its result.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from lab_server import JupyterServer
from notebook_page import NotebookPage
from playwright.sync_api import Browser, Page, WebSocket, expect

from tauto.rendering import bounded
from tauto.reports import Report
from tauto.results import REPORT_MIME

REPEATS = 5
STOPS = 3
WITHIN_MS = 120_000

RENDER = """async ([mime, json]) => {
  const notebook = jupyterapp.shell.currentWidget.content
  const model = notebook.rendermime.createModel({ data: { [mime]: json } })
  const renderer = notebook.rendermime.createRenderer(mime)
  notebook.node.prepend(renderer.node)
  const begun = performance.now()
  await renderer.renderModel(model)
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))
  const took = performance.now() - begun
  if (!renderer.node.querySelector("article")) throw new Error("it was not drawn")
  renderer.dispose()
  return took
}"""

BEGIN = """\
%load_ext tauto_magics
import time, tauto, torch

def objective():
    tauto.suggest.float("lr", 1e-4, 1, log=True)
    time.sleep(60)
    return 1.0

net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 8)).eval()
x = torch.randn(4, 64)"""
SEARCHES = {
    "tune: in a trial of 60 s": ("%tauto_tune objective --trials 9 --panel", "trial"),
    "autotune: in a trial's preparation": (
        "%tauto_autotune net --inputs x --only openvino,compile --budget 5min --panel",
        "openvino|compile|int8",
    ),
}
"""The line, and what is told when one of its trials runs."""


class Answers:
    """When the kernel last said, over any of the page's sockets, that it was asked to stop."""

    def __init__(self, page: Page) -> None:
        self.at = 0.0
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._heard)

    def _heard(self, frame: str | bytes) -> None:
        said = frame.encode() if isinstance(frame, str) else frame
        if b'"stopping"' in said and not self.at:
            self.at = time.perf_counter()


def paints(page: NotebookPage, reports: dict[str, Callable[[int], Report]], counts: tuple[int, ...]) -> None:
    print("\n| the JupyterLab renderer, of a saved report | first paint, median (range) |\n|---|---|")
    for noun, made in reports.items():
        for count in counts:
            json = bounded(made(count))
            took = [page.page.evaluate(RENDER, [REPORT_MIME, json]) for _ in range(REPEATS)]
            print(f"| {count:,} {noun} | {median(took):.0f} ms ({min(took):.0f}–{max(took):.0f}) |", flush=True)


def stops(page: NotebookPage, answers: Answers) -> None:
    print("\n| Stop, pressed | the kernel's answer, median (range) | the cell ended, median (range) |\n|---|---|---|")
    page.run(0)
    for index, (what, (_, begun)) in enumerate(SEARCHES.items(), 1):
        answered, ended = [], []
        for _ in range(STOPS):
            running = page.start(index).get_by_role("group", name="The search that runs")
            prompt = page.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-InputPrompt")
            expect(prompt).to_have_text("[*]:")
            page.page.wait_for_function(
                "([node, words]) => new RegExp(words).test(node.textContent)",
                arg=[running.locator(".tauto-message").element_handle(), begun],
                timeout=WITHIN_MS,
            )
            page.page.wait_for_timeout(1500)
            answers.at = 0.0
            began = time.perf_counter()
            running.get_by_role("button", name="Stop and keep the best").click()
            page.page.wait_for_function(
                "(node) => node.textContent !== '[*]:'", arg=prompt.element_handle(), timeout=WITHIN_MS
            )
            ended.append(time.perf_counter() - began)
            answered.append(answers.at - began)
        print(f"| {what} | {_told(answered)} | {_told(ended)} |", flush=True)


def _told(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} s ({min(seconds):.2f}–{max(seconds):.2f})"


def measure(browser: Browser, reports: dict[str, Callable[[int], Any]], counts: tuple[int, ...]) -> None:
    """Print what both take, in a JupyterLab of their own."""
    with tempfile.TemporaryDirectory() as folder:
        server = JupyterServer(Path(folder) / "jupyter")
        server.start()
        try:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = NotebookPage(server, context)
            answers = Answers(page.page)
            page.open([BEGIN, *(line for line, _ in SEARCHES.values())])
            paints(page, reports, counts)
            stops(page, answers)
            context.close()
        finally:
            server.stop()

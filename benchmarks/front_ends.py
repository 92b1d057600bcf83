"""Front ends: how large each is, how soon it is painted, and how long a frame of hovering takes.

make front-ends, then: python -m benchmarks.front_ends

Panels are drawn in Chromium on a page of their own, without JupyterLab and kernel. First paint is from the call that
draws to the second frame after it. Work of a frame is what our code does for one movement of the mouse: the handler and
the drawing; the frame itself ends with the screen's next refresh. The JupyterLab renderer and Stop are measured in a
real JupyterLab (``in_jupyterlab.py``).
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("tests", "tests/browser", "widgets")]

from bare_page import STATIC, BarePage  # noqa: E402
from chromium import FLAGS, chromium_path  # noqa: E402
from exploration_by_hand import exploration, explored  # noqa: E402
from hovering import HOVER  # noqa: E402
from layers_by_hand import layers  # noqa: E402
from panels_by_hand import compression_traits, history_traits, layer, past_runs  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from reports_by_hand import modules, whole_profile  # noqa: E402
from study_by_hand import many_trials  # noqa: E402
from tauto_widgets.compare import NO_LAYERS  # noqa: E402
from tauto_widgets.panel import LIMIT_BYTES  # noqa: E402
from tauto_widgets.profile import NO_TRIAL  # noqa: E402

from benchmarks import in_jupyterlab  # noqa: E402
from tauto.rendering import bounded  # noqa: E402
from tauto.reports import ExplorationKnob, Report  # noqa: E402

COUNTS = (100, 1000, 5000)
REPEATS = 5
MOVES = 200

# puts values into a control, and times what its listeners do, the layout that follows included
MOVE = """([selector, values]) => {
  const control = document.querySelector(selector)
  return values.map((value) => {
    const begun = performance.now()
    control.value = value
    // a list tells of its choice, the others of each movement
    control.dispatchEvent(new Event(control.matches("select") ? "change" : "input"))
    document.querySelector("main").getBoundingClientRect()
    return performance.now() - begun
  })
}"""

OPEN = """async (tab) => {
  const begun = performance.now()
  tab.click()
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))
  return performance.now() - begun
}"""


def profile_of(count: int) -> Report:
    return replace(whole_profile(), modules=modules(count))


def layers_of(count: int) -> Report:
    row = layers().rows[1]
    rows = tuple(replace(row, path=f"stages.{number}") for number in range(count))
    return replace(layers(), rows=rows, starts="stages.0", worst="stages.1")


def runs_of(count: int) -> Report:
    rows = tuple(replace(past_runs().rows[0], id=number) for number in range(count, 0, -1))
    return replace(past_runs(), rows=rows, total=count)


def exploration_of(count: int) -> Report:
    """Return so many settings of four knobs that were measured."""
    names, values = ("batch", "threads", "sparsity", "length"), tuple(range(1, 10))
    knobs = tuple(ExplorationKnob(name, name.title(), values, 1) for name in names)
    settings = (dict(zip(names, chosen, strict=True)) for chosen in product(values, repeat=4))
    return replace(exploration(tuple(explored(one) for one in islice(settings, count))), knobs=knobs)


REPORTS: dict[str, Callable[[int], Report]] = {
    "modules": profile_of,
    "layers": layers_of,
    "trials": many_trials,
    "settings": exploration_of,
    "runs": runs_of,
}
"""What a notebook may have saved, by what is counted."""


def profile_traits(count: int) -> dict[str, Any]:
    return {"report": bounded(profile_of(count), LIMIT_BYTES), "trial": NO_TRIAL, "hindrance": "", "token": "t"}


def compare_traits(count: int) -> dict[str, Any]:
    return {"report": bounded(layers_of(count), LIMIT_BYTES), "layers": NO_LAYERS, "token": "t"}


def layers_traits(count: int) -> dict[str, Any]:
    return compression_traits([layer(f"blocks.{number}.fc", 1e-4 / (number + 1)) for number in range(count)])


def runs_traits(count: int) -> dict[str, Any]:
    return history_traits(report=bounded(runs_of(count), LIMIT_BYTES))


def explore_traits(count: int) -> dict[str, Any]:
    report = bounded(exploration_of(count), LIMIT_BYTES)
    return {"report": report, "token": "t", "waiting": [], "progress": {}, "trouble": ""}


def tune_traits(count: int) -> dict[str, Any]:
    ended = {"trials": [], "under_way": [], "best": 1, "progress": {}, "phase": "ended", "search": 1, "use": {}}
    return {"report": bounded(many_trials(count), LIMIT_BYTES), "token": "t", **ended}


PANELS: dict[str, tuple[str, Callable[[int], dict[str, Any]], tuple[str, ...]]] = {
    "profile": ("modules", profile_traits, ("Modules", "Roofline", "Memory")),
    "compare": ("layers", compare_traits, ()),
    "tune": ("trials", tune_traits, ()),
}
"""By file name: what is counted, the traits of the panel's model for so many, and the tabs with a chart."""


CONTROLS: dict[str, tuple[str, Callable[[int], dict[str, Any]], str, list[str]]] = {
    "compression": ("layers", layers_traits, "input[type=range]", [str(5 * step) for step in range(20)]),
    "explore": ("settings", explore_traits, "fieldset select", [str(1 + step % 9) for step in range(20)]),
    "history": ("runs", runs_traits, "input[type=search]", ["1", "12", "12a", "12", "1", ""] * 4),
}
"""Panels that are turned by a control: what is counted, the traits, the control, and what is put into it in turn."""


def sizes() -> None:
    print("| front end | bytes | compressed (gzip) |\n|---|---|---|")
    for file in sorted(STATIC.glob("*.js")):
        data = file.read_bytes()
        print(f"| {file.stem} | {len(data) / 1e3:.0f} kB | {len(gzip.compress(data)) / 1e3:.0f} kB |")


def drawn(browser: Browser, name: str, count: int) -> None:
    noun, traits, tabs = PANELS[name]
    data = traits(count)
    paints = []
    for _ in range(REPEATS):
        context = browser.new_context(viewport={"width": 1000, "height": 900})
        bare = BarePage(context)
        paints.append(bare.show(name, **data))
        if len(paints) < REPEATS:
            context.close()
    print(f"| {name} | {count:,} {noun} | {median(paints):.0f} ms ({min(paints):.0f}–{max(paints):.0f}) |", end="")
    for tab in tabs or ("",):
        opened = ""
        if tab:
            opened = f" opened in {bare.page.get_by_role('tab', name=tab).evaluate(OPEN):.0f} ms,"
        work, frames = bare.page.evaluate(HOVER, [".tauto-canvas, .tauto-plot", MOVES])
        told = f"{median(work):.1f} ms, p95 {quantiles(work, n=20)[-1]:.1f}; frame {median(frames):.1f} ms"
        print(f" {tab or 'chart'}:{opened} {told};", end="")
    print(" |", flush=True)
    context.close()


def moved(browser: Browser, name: str, count: int) -> None:
    """Print the first paint of a panel without charts, and what a movement of its control takes."""
    noun, traits, control, values = CONTROLS[name]
    data = traits(count)
    paints = []
    for _ in range(REPEATS):
        context = browser.new_context(viewport={"width": 1000, "height": 900})
        bare = BarePage(context)
        paints.append(bare.show(name, **data))
        if len(paints) < REPEATS:
            context.close()
    work = bare.page.evaluate(MOVE, [control, values])
    told = f"{median(work):.1f} ms, p95 {quantiles(work, n=20)[-1]:.1f}"
    print(
        f"| {name} | {count:,} {noun} | {median(paints):.0f} ms ({min(paints):.0f}–{max(paints):.0f}) | {told} |",
        flush=True,
    )
    context.close()


def main() -> None:
    sizes()
    print("\n| panel | of | first paint, median (range) | work of a hover frame; time between frames |")
    print("|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        for name in PANELS:
            for count in COUNTS:
                drawn(browser, name, count)
        print("\n| panel | of | first paint, median (range) | its slider or knob moved, a letter in its filter |")
        print("|---|---|---|---|")
        for name in CONTROLS:
            for count in COUNTS:
                moved(browser, name, count)
        in_jupyterlab.measure(browser, REPORTS, COUNTS)
        browser.close()


if __name__ == "__main__":
    main()

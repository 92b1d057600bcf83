"""A panel's front end on a page that has nothing else: no JupyterLab, no kernel, no theme."""

from __future__ import annotations

import json
from typing import Any

from lab_server import ROOT
from playwright.sync_api import BrowserContext, Page

__all__ = ["BarePage"]

STATIC = ROOT / "widgets/tauto_widgets/static"

PAGE = """<!doctype html><html lang="en"><title>TAuto</title>
<style>:root {color-scheme: light dark} @media (prefers-color-scheme: dark) {body {background: #111}}</style>
<body style="margin:12px"><main></main></body></html>"""

# stands for the widget's model in the kernel, and notes what it is sent
SHOW = """async ([source, traits]) => {
  const { default: widget } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))
  const listeners = {}
  window.sent = []
  window.model = {
    get: (name) => traits[name],
    set: (name, value) => { traits[name] = value },
    save_changes() {},
    send: (content) => window.sent.push(content),
    on: (name, call) => (listeners[name] ??= new Set()).add(call),
    off: (name, call) => listeners[name]?.delete(call),
    tell(name, value) {
      traits[name] = value
      for (const call of [...(listeners[`change:${name}`] ?? [])]) call()
    },
    happen(name, ...given) { for (const call of [...(listeners[name] ?? [])]) call(...given) },
  }
  const el = document.createElement("div")
  document.querySelector("main").append(el)
  const begun = performance.now()
  window.end = await widget.render({ model: window.model, el })
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))
  return performance.now() - begun
}"""


class BarePage:
    """One page for panels.

    Parameters
    ----------
    context : BrowserContext
        Of the browser: its size and what it prefers.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_content(PAGE)

    @property
    def sent(self) -> list[Any]:
        """What the panel sent to its kernel."""
        return list(self.page.evaluate("window.sent"))

    def tell(self, name: str, value: Any) -> None:
        """Change a trait, as the kernel does."""
        self.page.evaluate("([name, value]) => window.model.tell(name, value)", [name, value])

    def say(self, **content: Any) -> None:
        """Send the panel a message, as the kernel does."""
        self.page.evaluate("(content) => window.model.happen('msg:custom', content)", json.loads(json.dumps(content)))

    def lose_kernel(self) -> None:
        """Tell the panel that its kernel was restarted, as ipywidgets does."""
        self.page.evaluate(
            "document.querySelector('main > div').classList.add('jupyter-widgets-disconnected');"
            "window.model.happen('comm_live_update')"
        )

    def show(self, name: str, **traits: Any) -> float:
        """Draw the panel ``name`` with these ``traits`` of its model; return the milliseconds until it was painted."""
        source = (STATIC / f"{name}.js").read_text(encoding="utf-8")
        # by way of JSON, as comms do it
        return float(self.page.evaluate(SHOW, [source, json.loads(json.dumps(traits))]))

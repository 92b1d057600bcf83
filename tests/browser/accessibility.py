"""What axe finds wrong with a page."""

from __future__ import annotations

from lab_server import ROOT
from playwright.sync_api import Page

__all__ = ["violations"]

AXE = ROOT / "node_modules/axe-core/axe.min.js"


def violations(page: Page, selector: str) -> list[str]:
    """Return what axe finds wrong with the accessibility of what ``selector`` selects."""
    if not page.evaluate("() => 'axe' in window"):
        # JupyterLab has an AMD loader, which would take axe for a module of its own
        source = AXE.read_text(encoding="utf-8")
        page.evaluate(f"() => {{ const define = undefined, module = undefined;\n{source}\n}}")
    found = page.evaluate("(selector) => axe.run(selector)", selector)
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

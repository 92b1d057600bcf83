"""The renderer and a panel in Firefox: what draws there is the same code, in another browser."""

from __future__ import annotations

import nbformat
import pytest
from accessibility import AXE
from firefox import Firefox, firefox_path
from notebook_page import IS_READY, LOADS_WITHIN_MS, NOT_OURS, RUN, SCREENSHOTS
from reports_by_hand import tuning
from saved_notebook import bundle_of

FIREFOX = firefox_path()
PANEL = """\
from reports_by_hand import whole_profile
from tauto.results.of import result_of
result_of(whole_profile()).panel()"""
SEEN = "[...document.querySelectorAll('{}')].some((one) => one.checkVisibility())"
LIVE = ".jp-OutputArea-output:not(.tauto-report) article"


@pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed: apt-get install firefox-esr")
def test_a_report_and_a_panel_are_drawn_in_firefox(server, tmp_path):
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    saved = nbformat.v4.new_code_cell("saved", execution_count=1)
    saved.outputs = [nbformat.v4.new_output("execute_result", data=bundle_of(tuning()), execution_count=1)]
    made.cells = [saved, nbformat.v4.new_code_cell(PANEL)]
    nbformat.write(made, server.notebooks / "firefox.ipynb")
    with Firefox(str(FIREFOX), tmp_path) as page:
        page.resize(1280, 900)
        page.visit(f"{server.url}lab/workspaces/firefox/tree/firefox.ipynb?reset&token={server.token}")
        page.until(f"({IS_READY})()", within_s=LOADS_WITHIN_MS / 1000)
        # the renderer: drawn from the JSON of what was saved, and gone through by keys
        page.until(SEEN.format(".tauto-report article.tauto-search"))
        page.evaluate("document.querySelector('.tauto-search [role=application]').focus()")
        page.press("ArrowRight")
        page.until("/Trial \\d/.test(document.querySelector('.tauto-search .tauto-reading').textContent)")
        # the panel: live, its static report hidden; a tab opened by keys
        page.evaluate(f"({RUN})(1)")
        page.until(SEEN.format(LIVE))
        page.until(f"!{SEEN.format('.tauto-static')}")
        page.evaluate(f"document.querySelector('{LIVE} [role=tab]').focus()")
        page.press("ArrowRight")
        page.until(SEEN.format(f'{LIVE} [aria-label^="Map of the modules"]'))
        source = AXE.read_text(encoding="utf-8")
        page.evaluate(f"(() => {{ const define = undefined, module = undefined;\n{source}\n}})()")
        assert page.evaluate("axe.run('article').then((found) => found.violations.map((one) => one.help))") == []
        page.screenshot(SCREENSHOTS / "firefox.png")
        assert [error for error in page.errors if not any(known in error for known in NOT_OURS)] == []
        own = (server.url, server.url.replace("http", "ws", 1), "data:", "blob:")
        assert [url for url in page.asked if not url.startswith(own)] == []
    server.forget()

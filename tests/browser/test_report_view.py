"""Every report that Python writes, as the drawing code reads it: what is known is drawn, of the rest nothing."""

import subprocess

import pytest
from accessibility import violations
from lab_server import ROOT
from reports_by_hand import HOSTILE, everything, hostile, runs, whole_profile
from sensitivity_by_hand import every_sensitivity, hostile_sensitivity

from tauto.rendering import bounded

DRAWN = {
    *("comparison", "exploration", "fix", "layers", "profile", "profile_comparison"),
    *("runs", "sensitivity", "study", "tuning"),
}

LOAD = """async (source) => {
  window.drawing = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))
}"""
DRAW = """(json) => {
  const main = document.querySelector("main")
  const host = document.createElement("div")
  main.replaceChildren(host)
  window.view?.dispose()
  window.view = drawing.reportView(host, json)
  return window.view !== null
}"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The drawing code as one module."""
    file = tmp_path_factory.mktemp("drawing") / "drawing.js"
    command = [ROOT / "node_modules/.bin/esbuild", "drawing/src/index.ts", "--bundle", "--format=esm"]
    subprocess.run([*command, f"--outfile={file}"], cwd=ROOT, check=True, capture_output=True)
    return file.read_text(encoding="utf-8")


@pytest.fixture
def drawing(bare, source):
    bare = bare()
    bare.page.evaluate(LOAD, source)
    style = (ROOT / "drawing/src/style.css").read_text(encoding="utf-8")
    bare.page.add_style_tag(content=style)
    return bare.page


def test_every_report_is_drawn_or_left_to_its_own_html(drawing):
    kinds = {}
    for report in (whole_profile(), runs(), *everything(), *every_sensitivity()):
        drawn = drawing.evaluate(DRAW, bounded(report))
        assert kinds.setdefault(report.kind, drawn) == drawn, report.kind
        assert drawing.locator("main").inner_text().strip() or not drawn
        assert drawing.locator("main > div > *").count() == drawn
        if drawn:
            assert violations(drawing, "main") == []
    assert {kind for kind, drawn in kinds.items() if drawn} >= DRAWN - {"profile_comparison"}


def test_two_profiles_side_by_side_are_drawn(drawing):
    from tauto.profiling.changes import compare_profiles

    assert drawing.evaluate(DRAW, bounded(compare_profiles(whole_profile(), whole_profile())))
    assert "A call of the model" in drawing.locator("main").inner_text()


def test_nothing_of_the_users_becomes_markup(drawing):
    for report in (*hostile(), hostile_sensitivity(HOSTILE)):
        if drawing.evaluate(DRAW, bounded(report)):
            assert HOSTILE[:20] in drawing.locator("main").inner_text()
        assert drawing.locator("main script, main [id=a]").count() == 0


def test_what_is_cut_short_or_newer_is_refused(drawing):
    whole = bounded(whole_profile())
    for name in ("modules", "roots", "wall_ms"):
        assert not drawing.evaluate(DRAW, {key: value for key, value in whole.items() if key != name})
    assert not drawing.evaluate(DRAW, whole | {"schema": 2})
    assert not drawing.evaluate(DRAW, whole | {"kind": "constructor"})
    assert drawing.locator("main > div > *").count() == 0

"""The panel of a comparison by itself."""

import re
from dataclasses import replace

import pytest
from accessibility import violations
from layers_by_hand import every_layers, hostile_layers, layers
from notebook_page import SCREENSHOTS
from playwright.sync_api import expect
from reports_by_hand import HOSTILE, comparison, hostile
from tauto_widgets.compare import NO_LAYERS

from tauto.reports.measurement import QUANTILES


def spread(side):
    """Return a measurement with the distribution of its latency."""
    values = tuple(side.latency.p50_ms * (0.9 + 0.2 * part) for part in QUANTILES)
    return replace(side, latency=replace(side.latency, quantiles_ms=values))


def compared():
    pair = comparison()
    return replace(pair, original=spread(pair.original), optimized=spread(pair.optimized))


def show(bare, report, state=NO_LAYERS):
    return bare.show("compare", report=report.to_dict(), layers=state, token="t")


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (400, True)], ids=["light", "dark-400px"])
def test_before_and_after_are_shown_accessibly_at_any_width(bare, width, dark):
    bare = bare(width, dark=dark)
    show(bare, compared(), {"state": "made", "words": "", "report": layers().to_dict()})
    row = bare.page.get_by_role("row", name="Size to ship")
    expect(row).to_contain_text("5.42 MB")
    expect(row).to_contain_text("1.39 MB")
    expect(bare.page.get_by_role("row", name="accuracy")).to_contain_text("held")
    expect(bare.page.get_by_role("table", name="Errors by layer")).to_be_visible()
    assert violations(bare.page, "main") == []
    assert bare.page.evaluate("document.documentElement.scrollWidth") <= width
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    kind = "dark" if dark else "light"
    bare.page.screenshot(path=SCREENSHOTS / f"compare-{kind}-{width}.png", full_page=True)


def test_latencies_are_read_by_keyboard_and_as_a_table(bare):
    bare = bare()
    show(bare, compared())
    chart = bare.page.get_by_role("application", name="Latencies of both sides")
    chart.focus()
    bare.page.keyboard.press("ArrowRight")
    expect(chart.locator("[aria-live]")).to_have_text(
        "50 % of the calls ended within, original 8.42 ms, optimized 2.47 ms (3.41×)"
    )
    bare.page.get_by_text("The same as a table").click()
    expect(bare.page.get_by_role("row", name="95 %")).to_contain_text("9.18 ms")


def test_layers_are_compared_when_asked_for_once(bare):
    bare = bare()
    show(bare, compared(), {**NO_LAYERS, "state": "offered"})
    button = bare.page.get_by_role("button", name="Compare layer by layer")
    button.evaluate("(one) => { one.click(); one.click() }")
    assert bare.sent == [{"do": "layers"}]
    bare.tell("layers", {**NO_LAYERS, "state": "failed", "words": "layers: a model of this comparison is gone."})
    expect(bare.page.get_by_role("status")).to_have_text("layers: a model of this comparison is gone.")
    expect(button).to_be_enabled()
    bare.tell("layers", {"state": "made", "words": "", "report": layers().to_dict()})
    expect(button).to_be_hidden()
    chart = bare.page.get_by_role("application", name="Errors of the layers")
    chart.focus()
    bare.page.keyboard.press("m")
    expect(chart.locator("[aria-live]")).to_contain_text("stages.0, error 20 %")


def test_every_comparison_of_layers_is_drawn_alone_too(bare):
    bare = bare()
    for report in every_layers():
        show(bare, report)
    expect(bare.page.get_by_role("heading", level=2)).to_have_text(
        [
            re.compile("The outputs differ by 11 % .*starts at stem.conv, stages.0 adds most"),
            re.compile("only the outputs could be compared"),
            re.compile("The outputs are equal; no layer adds an error above rounding"),
            re.compile("NaN or infinity in one model alone, in 17 values of the outputs"),
            re.compile("3.1 % of the values returned differ"),
        ]
    )


def test_what_comes_from_the_user_is_text(bare):
    bare = bare()
    show(bare, hostile()[1], {"state": "made", "words": "", "report": hostile_layers(HOSTILE).to_dict()})
    expect(bare.page.get_by_role("article").first).to_contain_text(HOSTILE[:20])
    assert bare.page.locator("main script, main [id=a]").count() == 0

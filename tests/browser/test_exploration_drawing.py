"""The panel of an exploration by itself: knobs, map, and what is asked of the kernel."""

from __future__ import annotations

import pytest
from accessibility import violations
from exploration_by_hand import exploration, explored, hostile_exploration
from notebook_page import SCREENSHOTS
from playwright.sync_api import expect
from reports_by_hand import HOSTILE

AS_IT_IS = {"batch": 4, "precision": "float32", "sparsity": 0.0}


def show(bare, report, **traits):
    bare.show(
        "explore", report=report.to_dict(), token="t", **({"waiting": [], "progress": {}, "trouble": ""} | traits)
    )
    return bare.page


def measured(bare):
    return [one["settings"] for one in bare.sent if one["kind"] == "measure"]


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (400, True)], ids=["light", "dark-400px"])
def test_knobs_and_map_are_accessible_at_any_width(bare, width, dark):
    bare = bare(width, dark=dark)
    page = show(bare, exploration())
    page.get_by_label("Precision", exact=True).select_option("bfloat16")
    expect(page.get_by_role("group", name="The setting as it is turned")).to_contain_text("speedup2.00× (1.90–2.10)")
    assert violations(page, "main") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"explore-{'dark' if dark else 'light'}-{width}.png", full_page=True)


def test_turning_a_knob_asks_for_what_is_not_known_yet_and_no_more(bare):
    bare = bare()
    page = show(bare, exploration())
    assert page.get_by_label("Precision", exact=True).locator("option", has_text="int8").is_disabled()
    page.get_by_label("Batch", exact=True).select_option("8")
    page.get_by_label("Precision", exact=True).select_option("bfloat16")
    page.get_by_label("Channels cut", exact=True).select_option("0.5")  # known already
    assert measured(bare) == [[{**AS_IT_IS, "batch": 8}], [{**AS_IT_IS, "batch": 8, "precision": "bfloat16"}]]
    expect(page.get_by_role("group", name="The setting as it is turned")).to_contain_text("3.50×")


def test_the_map_fills_in_and_is_gone_through_by_keys(bare):
    bare = bare()
    page = show(bare, exploration())
    page.get_by_label("across").select_option(label="Precision")
    page.get_by_role("button", name="Batch 4, Precision float32").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    asked = {**AS_IT_IS, "batch": 8}
    assert measured(bare) == [[asked]]
    bare.tell("waiting", [asked])
    bare.tell("progress", {"message": "measuring the model as it is"})
    place = page.get_by_role("button", name="Batch 8, Precision float32")
    expect(place).to_have_attribute("aria-label", "Batch 8, Precision float32: being measured")
    expect(place).to_be_focused()
    expect(page.get_by_text("measuring the model as it is")).to_be_visible()
    bare.tell("report", exploration((*exploration().settings, explored(asked, 1.5))).to_dict())
    bare.tell("waiting", [])
    expect(place).to_have_text("1.50×")
    assert page.get_by_role("button", name="Batch 4, Precision int8: cannot be had here: no such thing.").is_visible()
    page.get_by_role("button", name="Measure the whole map").click()
    whole = measured(bare)[-1]
    assert {**AS_IT_IS, "batch": 1} in whole
    assert asked not in whole
    assert all(one["precision"] != "int8" for one in whole)


def test_a_setting_is_copied_as_code_and_a_lost_kernel_is_said(bare):
    bare = bare()
    page = show(bare, exploration(), waiting=[AS_IT_IS])
    page.get_by_role("button", name="Copy as code").click()
    assert bare.sent[-1] == {"kind": "code", "setting": AS_IT_IS}
    bare.say(kind="code", setting=AS_IT_IS, code="import tauto\n")
    expect(page.locator("pre")).to_have_text("import tauto")
    page.get_by_role("button", name="Cancel").click()
    assert bare.sent[-1] == {"kind": "cancel"}
    bare.lose_kernel()
    expect(page.get_by_text("The kernel does not answer any more")).to_be_visible()


def test_what_came_from_the_user_is_text(bare):
    bare = bare()
    page = show(bare, hostile_exploration(HOSTILE))
    assert page.locator("main script, main b, main img").count() == 0

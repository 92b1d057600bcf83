"""The panel of a profile by itself: what is drawn, by mouse and by keyboard, in any theme and width."""

from dataclasses import replace

import pytest
from accessibility import violations
from hovering import FRAME_MS, hover_ms
from notebook_page import SCREENSHOTS
from playwright.sync_api import expect
from reports_by_hand import HOSTILE, hostile, modules, profile, trained_profile, whole_profile
from tauto_widgets.panel import LIMIT_BYTES
from tauto_widgets.profile import NO_TRIAL

from tauto.rendering import bounded

TABS = ("Findings", "Modules", "Roofline", "Memory", "Steps and lines", "Conditions")


def show(bare, report, **traits):
    data = report if isinstance(report, dict) else bounded(report, LIMIT_BYTES)
    return bare.show("profile", **({"report": data, "trial": NO_TRIAL, "hindrance": "", "token": "t"} | traits))


def tab(bare, name):
    bare.page.get_by_role("tab", name=name).click()
    return bare.page.get_by_role("tabpanel")


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (400, True)], ids=["light", "dark-400px"])
def test_every_part_is_accessible_and_stays_within_its_width(bare, width, dark):
    bare = bare(width, dark=dark)
    show(bare, whole_profile())
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name in TABS:
        tab(bare, name)
        assert violations(bare.page, "main") == []
        assert bare.page.evaluate("document.documentElement.scrollWidth") <= width
        kind = "dark" if dark else "light"
        bare.page.screenshot(path=SCREENSHOTS / f"profile-{name.split()[0].lower()}-{kind}-{width}.png", full_page=True)


def test_choosing_a_module_zooms_and_shows_its_operators(bare):
    bare = bare()
    show(bare, whole_profile())
    page = tab(bare, "Modules")
    expect(page.get_by_role("table", name="Operators of the whole")).to_be_visible()
    chart = page.get_by_role("application", name="Map of the modules")
    box = chart.bounding_box()
    bare.page.mouse.move(box["x"] + 20, box["y"] + 80)
    expect(chart.locator(".tauto-tip")).to_contain_text("net.bert.encoder.layer.0")
    bare.page.mouse.click(box["x"] + 20, box["y"] + 58)
    expect(page.get_by_role("heading", name="net.bert.encoder.layer.0")).to_be_visible()
    operators = page.get_by_role("table", name="Operators in net.bert.encoder.layer.0, forward and backward")
    expect(operators.get_by_role("row").nth(1)).to_contain_text("aten::addmm")
    expect(page.get_by_role("navigation").get_by_role("button")).to_have_text(["all", "net", "bert.encoder", "layer.0"])
    # from an operator back to the modules that ran it
    operators.get_by_role("button", name="aten::bmm").click()
    expect(page.get_by_role("status")).to_have_text("12 modules ran aten::bmm themselves.")
    page.get_by_role("navigation").get_by_role("button", name="all").click()
    expect(page.get_by_role("navigation").get_by_role("button")).to_have_count(0)


def test_modules_are_searched_and_sorted(bare):
    bare = bare()
    show(bare, whole_profile())
    page = tab(bare, "Modules")
    page.get_by_label("Search").fill("layernorm")
    expect(page.get_by_role("status")).to_have_text("12 modules found.")
    table = page.get_by_role("table", name="Modules", exact=True)
    expect(table.get_by_role("row")).to_have_count(1 + 12)
    page.get_by_label("Search").fill("")
    heading = table.get_by_role("columnheader", name="Own time")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(table.get_by_role("row").nth(1)).to_contain_text("14.0 ms")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Shown as").select_option("treemap")
    page.get_by_label("Area").select_option("parameters")
    page.get_by_label("Levels").select_option("2")


def test_all_of_it_is_reached_by_keyboard_alone(bare):
    bare = bare()
    show(bare, whole_profile())
    press = bare.page.keyboard.press
    press("Tab")
    expect(bare.page.get_by_role("tab", name="Findings")).to_be_focused()
    press("ArrowRight")
    expect(bare.page.get_by_role("tab", name="Modules")).to_be_focused()
    page = bare.page.get_by_role("tabpanel")
    for _ in range(5):  # search, area, levels, layout, map
        press("Tab")
    chart = page.get_by_role("application", name="Map of the modules")
    expect(chart).to_be_focused()
    outline = chart.evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline != "none"
    spoken = chart.locator("[aria-live]")
    press("ArrowDown")
    expect(spoken).to_contain_text("net, TextClassifier")
    press("ArrowDown")
    expect(spoken).to_contain_text("net.bert.encoder")
    press("ArrowDown")
    press("ArrowRight")
    expect(spoken).to_contain_text("net.bert.encoder.layer.1")
    press("Enter")
    expect(page.get_by_role("heading", name="net.bert.encoder.layer.1")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("navigation").get_by_role("button").last).to_have_text("bert.encoder")
    # the rows of a table: one stop of Tab, arrows from there
    table = page.get_by_role("table", name="Modules", exact=True)
    assert table.get_by_role("button").and_(bare.page.locator("[tabindex='0']")).count() == 1
    tab(bare, "Memory")
    bare.page.get_by_role("application").focus()
    press("p")
    expect(bare.page.get_by_role("application").locator("[aria-live]")).to_contain_text("1.90 kB after 4.00 ms")


def test_trying_a_finding_shows_the_measured_gain_beside_the_expected(bare):
    bare = bare()
    show(bare, whole_profile())
    item = bare.page.get_by_role("listitem").filter(has_text="The loop waits for its data")
    expect(item).to_contain_text("Expected: 1.38× as fast (estimated: all of the waiting hidden behind the model).")
    expect(item).to_contain_text("Measured here: 1.31× (1.27–1.35) as fast: better.")
    button = item.get_by_role("button", name="finding 1, The loop")
    # twice at once, before anything can have answered
    button.evaluate("(one) => { one.click(); one.click() }")
    assert bare.sent == [{"do": "try", "finding": 1}]
    expect(item).to_contain_text("waiting for the kernel")
    running = {"finding": 1, "state": "running", "words": "timing both, in turn", "done": 0.4, "seconds_left": 12}
    bare.tell("trial", {**running, "stoppable": False})
    expect(item.get_by_role("button", name="Stop: finding 1")).to_have_count(0)
    running["stoppable"] = True
    bare.tell("trial", running)
    expect(item).to_contain_text("timing both, in turn, at most 12.0 s left")
    stop = item.get_by_role("button", name="Stop: finding 1")
    stop.evaluate("(one) => { one.click(); one.click() }")
    assert bare.sent[1:] == [{"do": "stop"}]
    report = whole_profile().to_dict()
    report["findings"][0]["tried"] |= {"speedup": 1.02, "speedup_interval": {"low": 0.99, "high": 1.05}}
    report["findings"][0]["tried"]["verdict"] = "same"
    bare.tell("report", report)
    bare.tell(
        "trial", {"finding": 1, "state": "ended", "words": "Did not help here", "done": None, "seconds_left": None}
    )
    expect(item).to_contain_text("Measured here: 1.02× (0.99–1.05) as fast: no difference.")
    expect(item).to_contain_text("Did not help here")
    expect(button).to_be_enabled()
    expect(stop).to_be_hidden()


def test_a_kernel_that_died_is_told_and_what_is_shown_stays(bare):
    bare = bare()
    show(bare, whole_profile(), trial={**NO_TRIAL, "finding": 1, "state": "running", "words": "timing"})
    bare.lose_kernel()
    item = bare.page.get_by_role("listitem").filter(has_text="The loop waits for its data")
    expect(item).to_contain_text("The kernel that this belongs to is gone; what is shown stays.")
    expect(item.get_by_role("button", name="finding 1, The loop")).to_be_disabled()
    expect(item.get_by_role("progressbar")).to_have_count(0)
    expect(tab(bare, "Modules").get_by_role("table", name="Modules", exact=True)).to_be_visible()


def test_a_kernel_that_fell_silent_is_told_and_heard_again(bare):
    bare = bare()
    bare.page.clock.install()
    running = {**NO_TRIAL, "finding": 1, "state": "running", "words": "timing"}
    show(bare, whole_profile(), trial=running)
    item = bare.page.get_by_role("listitem").filter(has_text="The loop waits for its data")
    bare.page.clock.run_for(5000)
    expect(item).not_to_contain_text("Nothing was heard")
    bare.page.clock.run_for(7000)
    expect(item).to_contain_text("Nothing was heard from the kernel for 10 s")
    bare.page.evaluate("window.model.happen('msg:custom')")
    expect(item).not_to_contain_text("Nothing was heard")
    expect(item).to_contain_text("timing")


def test_a_message_that_cannot_be_sent_says_that_the_kernel_is_gone(bare):
    bare = bare()
    show(bare, whole_profile())
    bare.page.evaluate("() => { window.model.send = () => { throw new Error() } }")
    item = bare.page.get_by_role("listitem").filter(has_text="The loop waits for its data")
    item.get_by_role("button", name="finding 1, The loop").click()
    expect(item).to_contain_text("The kernel that this belongs to is gone")


def test_what_comes_from_the_user_is_text(bare):
    bare = bare()
    seen = replace(hostile()[0], memory=whole_profile().memory, lines=trained_profile().lines)
    show(bare, seen)
    expect(bare.page.get_by_role("tabpanel")).to_contain_text(HOSTILE[:20])
    for name in TABS:
        tab(bare, name)
    assert bare.page.locator("main script, main [id=a]").count() == 0


def test_of_fifty_thousand_modules_the_largest_are_drawn_and_the_rest_is_counted(bare):
    bare = bare()
    show(bare, replace(profile(), modules=modules(50_000)))
    page = tab(bare, "Modules")
    assert hover_ms(bare.page, ".tauto-canvas") <= FRAME_MS
    expect(page).to_contain_text("40,000 of them not part of this summary")
    table = page.get_by_role("table", name="Modules", exact=True)
    expect(table.get_by_role("row")).to_have_count(1 + 12)
    page.get_by_role("button", name="Show 48 more").last.click()
    expect(table.get_by_role("row")).to_have_count(1 + 60)


@pytest.mark.parametrize("fault", ["cut short", "newer"])
def test_a_report_that_cannot_be_read_draws_nothing(bare, fault):
    bare = bare()
    data = whole_profile().to_dict()
    if fault == "newer":
        data["schema"] = 99
    else:
        del data["modules"][3]["flops"]
    show(bare, data)
    assert bare.page.locator("main > div").inner_html() == ""


def test_two_panels_of_one_report_stand_on_one_page(bare):
    bare = bare()
    show(bare, whole_profile())
    show(bare, whole_profile())
    second = bare.page.get_by_role("article").nth(1)
    second.get_by_role("tab", name="Modules").click()
    expect(second.get_by_role("table", name="Modules", exact=True)).to_be_visible()
    expect(bare.page.get_by_role("article").nth(0).get_by_role("tabpanel")).to_contain_text("Try it again")
    assert violations(bare.page, "main") == []

"""The panel of a search by itself: what is drawn of it while it runs and afterwards, in any theme and width."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from accessibility import violations
from notebook_page import SCREENSHOTS
from playwright.sync_api import expect
from reports_by_hand import HOSTILE, comparison, hostile, recipe, tuning
from study_by_hand import hostile_study, infeasible, many_trials, several, study

from tauto.reports import Limit, TrialReport

FRAME_MS = 16
STOP = "Stop and keep the best"
HOVER = """(plot) => {
  const box = plot.getBoundingClientRect()
  const times = []
  for (let step = 0; step < 120; step++) {
    const place = { clientX: box.left + 80 + (box.width - 100) * step / 120, clientY: box.top + 40 + (step * 37) % 180 }
    const began = performance.now()
    plot.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, ...place }))
    plot.getBoundingClientRect()  // the layout belongs to the frame
    times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[60]
}"""


def show(bare, report, **traits):
    data = report if isinstance(report, dict) else report.to_dict()
    best = data.get("winner", data.get("best"))
    ended = {"trials": [], "under_way": [], "best": best, "progress": {}, "phase": "ended", "search": 1, "use": {}}
    return bare.show("tune", report=data, token="t", **(ended | traits))


def running(bare, report, trials=(), **traits):
    """Show a search that runs, with these trials told so far."""
    data = {**report.to_dict(), "trials": []}
    progress = {"message": "trial 3 of 12: openvino", "done": 0.25, "seconds_left": 83}
    show(bare, data, **({"trials": list(trials), "phase": "running", "best": None, "progress": progress} | traits))
    return bare.page.get_by_role("group", name="The search that runs")


def wide(count=9):
    """A search with a limit, some trials within it and some not."""
    trials = [
        TrialReport(
            n,
            recipe("openvino" if n % 2 else "channels_last"),
            "rejected",
            "why",
            comparison(0.5 + n / 3, n != 4),
            1,
            2,
            0,
        )
        for n in range(count)
    ]
    trials[7] = replace(trials[7], status="kept")
    limits = (Limit("latency", 5.0),)
    return replace(tuning(), trials=tuple(trials), winner=7, limits=limits, constraints=("latency of at most 5 ms",))


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (400, True)], ids=["light", "dark-400px"])
@pytest.mark.parametrize(("name", "report"), [("recipes", wide()), ("study", study()), ("front", several())])
def test_a_search_that_ended_is_accessible_at_any_width(bare, name, report, width, dark):
    bare = bare(width, dark=dark)
    show(bare, report)
    page = bare.page
    page.get_by_role("application").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("All . trials")).click()
    expect(page.get_by_role("columnheader", name="Why")).to_be_visible()
    assert violations(page, "main") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    kind = "dark" if dark else "light"
    page.screenshot(path=SCREENSHOTS / f"search-{name}-{kind}-{width}.png", full_page=True)


def test_what_breaks_a_limit_is_shaded_and_said(bare):
    bare = bare()
    show(bare, wide())
    page = bare.page
    assert page.locator(".tauto-outside").count() == 2  # too slow, and too inaccurate
    expect(page.get_by_role("list").first).to_contain_text("breaks a limit")
    expect(page.locator("article")).to_contain_text("latency of at most 5 ms")
    page.get_by_label("across").select_option(label="size")
    assert page.locator(".tauto-outside").count() == 1
    bare.tell("report", infeasible().to_dict())
    expect(page.locator("article")).to_contain_text("mb <= 5")


def test_trials_are_gone_through_by_keys_and_picked(bare):
    bare = bare()
    show(bare, wide())
    page = bare.page
    page.get_by_label("across").select_option(label="speedup")
    page.get_by_role("application").first.focus()
    reading = page.locator(".tauto-reading").first
    for key, number in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 8)):
        page.keyboard.press(key)
        expect(reading).to_contain_text(f"Trial {number},")
    page.keyboard.press("Enter")
    picked = page.get_by_role("group", name="The picked trial")
    expect(picked).to_contain_text("Trial 8:")
    expect(picked).to_contain_text("latency, median2.66 ms (original 8.42 ms)")
    assert bare.sent[-1] == {"kind": "choose", "number": 8}
    page.keyboard.press("Escape")
    expect(reading).to_contain_text("Trial 8,")  # what is picked stays


def test_the_recipe_comes_and_the_trial_is_used_once(bare):
    bare = bare()
    show(bare, wide())
    page = bare.page
    page.get_by_role("application").first.focus()
    page.keyboard.press("End")  # the slowest is the first one
    page.keyboard.press("Enter")
    bare.say(kind="chosen", number=3, recipe="another trial's", script="")
    bare.say(kind="chosen", number=0, recipe="steps: [openvino]", script="import torch")
    picked = page.get_by_role("group", name="The picked trial")
    picked.get_by_text("Recipe", exact=True).click()
    expect(picked.locator("pre").first).to_have_text("steps: [openvino]")
    button = picked.get_by_role("button", name="Use this one")
    button.dblclick()
    assert [one for one in bare.sent if one["kind"] == "use"] == [
        {"kind": "use", "number": 0, "name": "fast", "over": False}
    ]
    bare.tell("use", {"number": 0, "name": "fast", "state": "refused", "taken": True, "message": "'fast' is in use."})
    picked.get_by_role("button", name="Replace").click()
    assert bare.sent[-1] == {"kind": "use", "number": 0, "name": "fast", "over": True}
    bare.tell("use", {"number": 0, "name": "fast", "state": "working", "message": "confirming openvino"})
    expect(picked.get_by_role("status")).to_have_text("confirming openvino")
    picked.get_by_role("button", name="Cancel").click()
    assert bare.sent[-1] == {"kind": "cancel"}


def test_trials_come_one_by_one_while_it_runs(bare):
    bare = bare()
    told = wide().to_dict()["trials"]
    region = running(bare, wide(), told[:2], under_way=[{"number": 2, "title": "openvino"}])
    expect(region).to_contain_text("trial 3 of 12: openvino · about 1 min 23 s left")
    expect(region).to_contain_text("Best so far: the original")
    expect(bare.page.get_by_text("All 2 trials")).to_be_visible()
    bare.say(kind="trials", search=1, trials=told[2:5])
    bare.tell("best", 3)
    expect(bare.page.get_by_text("All 5 trials")).to_be_visible()
    expect(region).to_contain_text(
        "Best so far: trial 3, openvino; latency, median 5.61 ms, accuracy 0.9803, speedup 1.50×"
    )
    expect(region).to_contain_text("Last not taken: trial 4, channels_last. why")
    assert violations(bare.page, "main") == []
    # an update of one that is there already adds none
    bare.say(kind="trials", search=1, trials=[{**told[0], "reason": "again"}])
    expect(bare.page.get_by_text("All 5 trials")).to_be_visible()


def test_stop_is_said_until_it_is_heard_and_pressed_once(bare):
    bare = bare()
    region = running(bare, wide())
    bare.say(kind="pong", id=1)
    button = region.get_by_role("button")
    button.dblclick()
    expect(button).to_have_text("Stopping…")
    expect(button).to_be_disabled()
    bare.page.wait_for_timeout(1300)
    stops = [one for one in bare.sent if one["kind"] == "stop"]
    assert len(stops) >= 2
    assert all(one == {"kind": "stop", "search": 1} for one in stops)
    bare.tell("phase", "stopping")
    bare.page.wait_for_timeout(1300)
    assert len([one for one in bare.sent if one["kind"] == "stop"]) <= len(stops) + 1
    bare.tell("phase", "ended")
    expect(region).to_be_hidden()


def test_where_a_busy_kernel_cannot_be_reached_the_button_says_so(bare):
    bare = bare()
    region = running(bare, wide())
    expect(region.get_by_role("button", name=STOP)).to_be_enabled()
    expect(region.get_by_role("status")).to_contain_text(
        "Use the kernel's Stop (■): it keeps the best, too.", timeout=9000
    )
    expect(region.get_by_role("button", name=STOP)).to_be_disabled()
    bare.say(kind="pong", id=1)
    expect(region.get_by_role("button", name=STOP)).to_be_enabled()


def test_a_kernel_that_is_gone_is_said_and_the_data_stays(bare):
    bare = bare()
    region = running(bare, study(), study().to_dict()["trials"])
    bare.lose_kernel()
    expect(region).to_contain_text("The kernel does not answer any more")
    expect(region).to_contain_text("stands in the study digits")
    expect(region.get_by_role("button")).to_be_hidden()
    expect(bare.page.get_by_text("All 7 trials")).to_be_visible()


@pytest.mark.parametrize("count", [100, 1000, 2000])
def test_as_many_trials_are_drawn_within_a_frame(bare, count):
    bare = bare()
    painted_ms = show(bare, many_trials(count))
    for name in ("Trials of the search", "Choices of each trial"):
        plot = bare.page.get_by_role("application", name=re.compile(name))
        frame_ms = plot.evaluate(HOVER)
        print(f"{count} trials: first paint {painted_ms:.0f} ms, hover {frame_ms:.2f} ms a frame ({name})")
        assert frame_ms <= FRAME_MS
    bare.page.get_by_text("All ").click()
    expect(bare.page.get_by_role("row")).to_have_count(26)  # the others on demand


def test_what_came_from_the_user_is_text(bare):
    bare = bare()
    for report in (hostile()[3], hostile_study(HOSTILE)[0]):
        show(bare, report)
        bare.page.get_by_role("application").last.focus()
        bare.page.keyboard.press("Home")
        bare.page.keyboard.press("Enter")
        assert bare.page.locator("main script, main img, main b").count() == 0


def test_what_cannot_be_read_leaves_the_static_report(bare):
    bare = bare()
    for damaged in ({**wide().to_dict(), "schema": 99}, {**wide().to_dict(), "trials": [{"number": 0}]}):
        show(bare, damaged)
    expect(bare.page.locator("article")).to_have_count(0)

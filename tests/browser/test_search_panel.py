"""The panel of a search, in a real notebook with a real kernel: it runs, is stopped midway, and its trials are used."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tauto.results import REPORT_MIME

SETUP = """
import time
import tauto
%load_ext tauto_magics
def objective():
    lr = tauto.suggest.float("lr", 1e-4, 1, log=True)
    optimizer = tauto.suggest.categorical("optimizer", ["adam", "<img src=x onerror=alert(1)>"])
    time.sleep(0.2)
    return {"score": lr, "mb": 10 * lr}
"""
STUDY = "shown = %tauto_tune objective --trials 500 --direction score=maximize --constraint 'mb <= 5' --panel\nshown"
STOP = "Stop and keep the best"
# the live one: the extension's drawing of the report that stands for it is there too, hidden
PANEL = "article.tauto-search:visible"


def ended(panel):
    expect(panel.get_by_role("group", name="The search that runs")).to_be_hidden(timeout=60_000)


def test_a_search_is_watched_stopped_midway_and_its_best_is_kept_and_used(page):
    page.open([SETUP, STUDY, "after = shown.result.stopped\nafter", "mine"])
    page.run(0)
    output = page.start(1)
    panel = output.locator(PANEL)
    running = panel.get_by_role("group", name="The search that runs")
    expect(running).to_contain_text(re.compile(r"trial [3-9]"), timeout=60_000)
    expect(running).to_contain_text("Best so far: trial")
    expect(running).to_contain_text("s left")
    page.screenshot("tune-running", panel)
    assert page.violations("article.tauto-search") == []

    button = running.get_by_role("button", name=STOP)
    began = time.monotonic()
    button.dblclick()  # twice is once
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.tauto-search')]"
        ".some((one) => one.textContent.includes('it was stopped by hand'))"
    )
    stopped_s = time.monotonic() - began
    print(f"from pressing Stop to the panel of the ended search: {stopped_s:.2f} s")
    assert stopped_s < 10  # under a second on a machine with nothing else to do
    ended(panel)
    expect(output.locator(".tauto-static")).to_be_hidden()
    # the cell ended by itself: no error, and the next one runs
    assert "KeyboardInterrupt" not in output.inner_text()
    expect(page.run(2)).to_contain_text("it was stopped by hand")

    # by keys alone: through the trials, pick one, use it under a name
    plot = panel.get_by_role("application").first
    plot.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowRight")
    expect(panel.locator(".tauto-reading").first).to_contain_text("Trial 1")
    page.page.keyboard.press("Enter")
    picked = panel.get_by_role("group", name="The picked trial")
    expect(picked).to_contain_text("Trial 1:")
    script = picked.get_by_text("Plain Python script")
    script.focus()
    page.page.keyboard.press("Enter")
    expect(picked.locator("pre").last).to_contain_text("tauto.suggest.fixed(params)")
    name = picked.get_by_role("textbox")
    name.focus()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("objective")
    page.page.keyboard.press("Enter")
    expect(picked.get_by_role("status")).to_contain_text("'objective' is in use")
    name.focus()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("mine")
    page.page.keyboard.press("Enter")
    expect(picked.get_by_role("status")).to_contain_text("mine holds the values of trial 1")
    expect(page.run(3)).to_contain_text("'lr':")
    page.screenshot("tune-picked", panel)
    assert page.violations("article.tauto-search") == []
    # what the user named is text: nothing was made of it
    assert panel.locator("img").count() == 0

    # what is saved is the static report and the panel, and nothing of what was shown while it ran
    page.save()
    saved = page.notebook().cells[1].outputs
    assert [sorted(one.data) for one in saved] == [
        [REPORT_MIME, "text/html", "text/plain"],
        ["application/vnd.jupyter.widget-view+json", "text/html", "text/plain"],
    ]
    assert "it was stopped by hand" in saved[0].data["text/plain"]


def test_a_kernel_that_goes_away_is_said_and_the_study_is_found_again(page):
    page.open([SETUP, STUDY.replace("\nshown", "\nNone")])
    page.run(0)
    panel = page.start(1).locator(PANEL)
    expect(panel).to_contain_text(re.compile(r"trial [3-9]"), timeout=60_000)
    page.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(panel).to_contain_text("The kernel does not answer any more")
    expect(panel).to_contain_text("stands in the study objective-")
    expect(panel.get_by_role("application").first).to_be_visible()
    expect(panel.get_by_text(re.compile(r"All [3-9] trials"))).to_be_visible()
    page.screenshot("tune-kernel-gone", panel)
    page.run(0)
    panel = page.start(1).locator(PANEL)
    # the earlier trials are there from the start
    expect(panel.get_by_text(re.compile(r"All ([4-9]|\d\d) trials"))).to_be_visible(timeout=60_000)
    panel.get_by_role("button", name=STOP).click()
    ended(panel)


AUTOTUNE = """
import torch
import tauto
%load_ext tauto_magics
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 8)).eval()
before = {name: value.clone() for name, value in net.state_dict().items()}
x = torch.randn(4, 64)
"""
TUNED = (
    "shown = %tauto_autotune net --inputs x --only bfloat16,threads,openvino --budget 5min --into fast --panel\nshown"
)
KEPT = """
report = shown.result.report
print("interrupted" if report.interrupted else "went on", report.verdict, len(report.trials), "tried")
print(tuple(fast(x).shape), all(torch.equal(value, before[name]) for name, value in net.state_dict().items()))
"""


def test_an_autotune_is_stopped_while_its_cell_is_busy_and_ends_with_its_result(page):
    page.open([AUTOTUNE, TUNED, KEPT])
    page.run(0)
    output = page.start(1)
    panel = output.locator(PANEL)
    # one candidate is judged, and the next is being tried
    expect(panel.get_by_text(re.compile("The one trial|All . trials"))).to_be_visible(timeout=90_000)
    running = panel.get_by_role("group", name="The search that runs")
    # the kernel's own status is no sign: it was seen to be another while the cell ran
    prompt = page.page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".jp-InputPrompt")
    expect(prompt).to_have_text("[*]:")
    running.get_by_role("button", name=STOP).click()
    ended(panel)
    expect(prompt).to_have_text("[2]:")
    page.screenshot("autotune-stopped", panel)
    assert "KeyboardInterrupt" not in output.inner_text()
    said = page.run(2)
    expect(said).to_contain_text(re.compile(r"interrupted (improved|kept_original) [1-9]\d* tried"))
    expect(said).to_contain_text("(4, 8) True")

"""The side panel: a notebook's reports from its outputs, and the search that runs."""

from __future__ import annotations

from playwright.sync_api import expect
from reports_by_hand import comparison, trained_profile, tuning
from saved_notebook import bundle_of, open_without_kernel

SEARCH = """\
%load_ext tauto_magics
import time, tauto, torch
from reports_by_hand import tuning
from tauto.events import Progress, StopRequested, check_stop, emit
from tauto.results import TuningResult

model = torch.nn.Linear(2, 2)

def search(*args, **keywords):
    began = time.monotonic()
    try:
        while time.monotonic() - began < 60:
            emit(Progress("autotune", "trying int8", 0.4, 30, standing=lambda: None))
            check_stop()
            time.sleep(0.1)
    except StopRequested:
        return TuningResult(tuning(), model)

tauto.autotune = search"""


def side(page):
    page.command("tauto:show-panel")
    return page.page.locator(".tauto-side")


def test_it_lists_a_notebooks_reports_leads_there_and_compares_two(page, server):
    reports = [trained_profile(), tuning(), comparison(), comparison(1.9), tuning("infeasible")]
    open_without_kernel(page, server, [bundle_of(report) for report in reports], "listed.ipynb")
    panel = side(page)
    rows = panel.locator(".tauto-reports li")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text("[2]")
    expect(rows.nth(1)).to_contain_text("✓ Improved")
    expect(rows.nth(4)).to_contain_text("✗")
    assert page.violations(".tauto-side") == []

    # by keyboard: to the last report's own button, and there
    rows.nth(4).get_by_role("button").press("Enter")
    expect(page.page.locator(".jp-Notebook .jp-CodeCell").last).to_be_in_viewport()
    expect(page.page.locator(".jp-Notebook .jp-CodeCell.jp-mod-active")).to_contain_text("cell 5")

    comparing = panel.get_by_role("button", name="Compare the two chosen")
    expect(comparing).to_be_disabled()
    for row in (2, 3):
        rows.nth(row).get_by_role("checkbox").press("Space")
    comparing.press("Enter")
    compared = page.page.locator(".tauto-comparison")
    expect(compared.get_by_role("row", name="Speedup")).to_contain_text("1.90×")
    assert page.violations(".tauto-comparison") == []
    page.screenshot("comparison")


def test_a_running_search_is_shown_and_stopped_with_its_result(page):
    page.open([SEARCH, "%tauto_autotune model"], "searching.ipynb")
    page.run(0)
    panel = side(page)
    output = page.start(1)
    status = page.page.locator(".tauto-status")
    expect(status).to_contain_text("autotune: 40 %")
    expect(panel).to_contain_text("trying int8")
    page.screenshot("side-panel-searching")
    stop = panel.get_by_role("button", name="Stop and keep the best")
    assert page.violations(".tauto-side") == []
    stop.click()
    expect(output).to_contain_text("Improved", timeout=5_000)
    expect(panel.locator("section").first).to_be_hidden()
    expect(status).to_be_hidden()
    expect(panel.locator(".tauto-reports")).to_contain_text("[2]")
    # what is known of the machine comes from the kernel
    panel.get_by_role("button", name="Ask the kernel").click()
    expect(panel).to_contain_text("this kernel's")
    page.screenshot("side-panel")

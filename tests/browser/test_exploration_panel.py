"""The panel of an exploration, in a real notebook: knobs are turned and measured while the notebook goes on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

SETUP = """
import torch
import tauto
%load_ext tauto_magics
net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 8)).eval()
x = torch.randn(4, 64)
"""


def test_two_settings_are_measured_while_the_notebook_goes_on(page):
    page.open([SETUP, "%tauto_explore net --inputs x", "6 * 7", "len(tauto.last().settings)"])
    page.run(0)
    panel = page.run(1).locator("article.tauto-explore:visible")
    expect(panel).to_contain_text("Not measured yet")
    panel.get_by_label("Precision", exact=True).select_option("bfloat16")
    panel.get_by_role("button", name=re.compile("^Batch 8, Engine eager")).click()
    # the kernel is free meanwhile
    expect(page.run(2)).to_contain_text("42", timeout=10_000)
    picked = panel.get_by_role("group", name="The setting as it is turned")
    expect(picked).to_contain_text("speedup", timeout=120_000)
    expect(panel.get_by_role("button", name=re.compile("^Batch 4, Engine eager: .*×"))).to_be_visible()
    expect(panel.get_by_role("button", name=re.compile("^Batch 8, Engine eager: .*×"))).to_be_visible()
    expect(page.run(3)).to_contain_text("2")

    # what was measured once is there at once
    panel.get_by_role("button", name=re.compile("^Batch 4, Engine eager")).click()
    expect(picked).to_contain_text("speedup", timeout=2_000)
    panel.get_by_role("button", name="Copy as code").click()
    expect(panel.locator("pre")).to_contain_text("tauto.Recipe.of(('bfloat16'")

    # by keys: the next place of the map, which measures it; then no more
    panel.get_by_role("button", name=re.compile("^Batch 4, Engine eager")).focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    expect(picked).to_contain_text(re.compile("Being measured|speedup"))
    panel.get_by_role("button", name="Measure the whole map").click()
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_role("button", name="Cancel")).to_be_hidden(timeout=60_000)
    # what the notebook keeps tells what was measured, and is still hidden below the panel
    page.save()
    assert "No setting was measured" not in page.notebook().cells[1].outputs[0].data["text/plain"]
    expect(page.output(1).locator(".tauto-static")).to_be_hidden()
    page.screenshot("explore", panel)
    assert page.violations("article.tauto-explore") == []
    page.dark()
    page.screenshot("explore-dark", panel)
    assert page.violations("article.tauto-explore") == []

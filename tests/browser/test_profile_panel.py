"""The panel of a profile in a real notebook with a real kernel, and in one that was saved."""

import re
import subprocess
import sys

import pytest
from notebook_page import NotebookPage
from playwright.sync_api import expect

SETUP = """\
%load_ext tauto_magics
import torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*[nn.Linear(16, 16) for _ in range(6)], nn.Linear(16, 4))
        self.scales = nn.ParameterList(torch.ones(4) for _ in range(200))

    def forward(self, x):
        return self.body(x) * torch.stack(list(self.scales)).mean(0)

net = Net()
x, y = torch.randn(32, 16), torch.randn(32, 4)
optimizer = torch.optim.AdamW(net.parameters())
"""
TRAIN = """\
%%tauto_profile{options}
for _ in range(60):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
"""
# so many small tensors are updated one by one that it is most of the loop
FINDING = "optimizer_unfused"
WITHIN_MS = 150_000
NO_ANSWER = re.compile("Nothing was heard from the kernel for 10 s|The kernel that this belongs to is gone")
# jupyter-widgets says so of every widget in a notebook whose kernel is another one now
NOT_OURS = "widget model not found"


def test_a_profile_is_shown_live_and_a_finding_is_tried(page):
    page.open(
        [SETUP, TRAIN.format(options=" --into seen"), SHORT, "6 * 7", "seen.report.findings[NUMBER - 1].tried.verdict"]
    )
    page.run(0)
    page.run(1)
    output = page.run(2)
    panel = output.get_by_role("article")
    # the static report is there, and hidden
    expect(output.locator(".tauto-static")).to_have_count(1)
    expect(output.locator(".tauto-static")).to_be_hidden()
    item = panel.get_by_role("listitem").filter(has_text=FINDING)
    expect(item).to_contain_text("Expected:")
    item.get_by_role("button", name="Try it").click()
    expect(item.get_by_role("progressbar")).to_be_visible(timeout=WITHIN_MS)
    # the kernel is free meanwhile
    expect(page.run(3)).to_contain_text("42")
    expect(item).to_contain_text("Measured here:", timeout=WITHIN_MS)
    expect(item).to_contain_text("Expected:")
    # what the notebook keeps tells of it, too
    page.save()
    assert "easured here" in page.notebook().cells[2].outputs[0].data["text/plain"]
    expect(output.locator(".tauto-static")).to_be_hidden()
    page.screenshot("profile-panel-tried", output)
    expect(page.run(4)).to_contain_text(re.compile("better|same|worse"))
    panel.get_by_role("tab", name="Modules").click()
    chart = panel.get_by_role("application", name="Map of the modules")
    page.wander(chart)
    expect(chart.locator(".tauto-tip")).to_be_visible()
    assert page.violations(".jp-Cell-outputArea article.tauto") == []
    page.dark()
    page.command("application:toggle-left-area")
    page.page.set_viewport_size({"width": 480, "height": 900})
    for name in ("Modules", "Roofline", "Memory"):
        panel.get_by_role("tab", name=name).click()
        assert page.violations(".jp-Cell-outputArea article.tauto") == []
        assert panel.evaluate("(one) => one.scrollWidth <= one.clientWidth")
        page.screenshot(f"profile-panel-dark-narrow-{name.lower()}", panel)


# the number of the finding
SHORT = f"""\
from tauto_widgets import ProfilePanel
NUMBER = [one.rule for one in seen.findings].index({FINDING!r}) + 1
ProfilePanel(seen, budget="20s")
"""


@pytest.fixture(scope="module")
def saved(browser, server, tmp_path_factory):
    """A notebook with two panels, saved, its kernel gone."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = NotebookPage(server, context)
    page.open([SETUP, TRAIN.format(options=" --panel --into seen"), "seen.panel()"], "saved.ipynb")
    for index in range(3):
        output = page.run(index)
    expect(output.get_by_role("article")).to_be_visible()
    expect(page.output(1).get_by_role("article")).to_be_visible()
    expect(page.output(1).locator(".tauto-static")).to_be_hidden()
    # a restart takes the kernel from under the panel, which says so when it is asked for something, and stays
    page.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    button = output.get_by_role("button", name="Try it").first
    button.click()
    expect(output.get_by_role("article")).to_contain_text(NO_ANSWER, timeout=WITHIN_MS)
    expect(button).to_be_disabled()
    page.save()
    context.close()
    assert page.errors == []
    return server.notebooks / "saved.ipynb"


def test_a_saved_notebook_shows_the_static_report_in_jupyterlab(new_page, saved):
    page = new_page()
    page.visit(saved.name)
    for index in (1, 2):
        output = page.output(index)
        # as the extension draws it from its JSON; no panel is there
        expect(output.locator(".tauto-static article.tauto")).to_be_visible()
        expect(output.locator(".tauto-static")).to_contain_text("backward pass")
        expect(output.get_by_text("model not found")).to_be_hidden()
        expect(output.get_by_text("Loading widget")).to_be_hidden()
    page.screenshot("profile-panel-saved", page.output(2))
    page.errors[:] = [error for error in page.errors if NOT_OURS not in error]


def test_a_saved_notebook_shows_the_static_report_in_html(saved, browser, tmp_path):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", f"--output-dir={tmp_path}", str(saved)]
    subprocess.run(command, check=True, capture_output=True)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "saved.html").as_uri())
    reports = page.locator(".tauto-static")
    expect(reports).to_have_count(2)
    for number in range(2):
        expect(reports.nth(number)).to_be_visible()
        expect(reports.nth(number)).to_contain_text("forward pass")
    # what is live left nothing behind that needs a network
    assert page.locator("script[type*='jupyter.widget']").count() == 0
    context.close()

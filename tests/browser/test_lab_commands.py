"""The extension's commands, dialogs, settings and launcher cards, in a real JupyterLab with a real kernel."""

from __future__ import annotations

import nbformat
from lab_server import ROOT
from playwright.sync_api import expect

MODEL = """\
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
x = torch.randn(4, 8)"""
FAKE = """\
%load_ext tauto_magics
import tauto
from reports_by_hand import tuning
from tauto.results import TuningResult

def accuracy(model):
    return 1.0

def verb(*args, **keywords):
    print("asked", {key: value for key, value in keywords.items() if isinstance(value, str)})
    return TuningResult(tuning(), model)

tauto.quantize = tauto.autotune = verb"""


def source(page, index):
    return page.page.evaluate(
        "(index) => jupyterapp.shell.currentWidget.content.model.cells.get(index).sharedModel.getSource()", index
    )


def choose(page, index):
    page.page.evaluate("(index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index }", index)


def test_the_button_profiles_the_cell_and_offers_to_load_what_it_needs(page):
    page.open([MODEL, "model(x).sum().backward()"], "profiled.ipynb")
    page.run(0)
    choose(page, 1)
    button = page.page.locator("[data-jp-item-name='tauto-profile'] jp-button")
    button.dblclick()  # pressed twice, it acts once
    page.page.get_by_role("button", name="Load them").click()
    report = page.output(2).locator(".tauto-report")
    expect(report).to_contain_text("backward", timeout=90_000)
    assert [source(page, index) for index in (1, 2)] == [
        "%load_ext tauto_magics",
        "%%tauto_profile\nmodel(x).sum().backward()",
    ]
    page.screenshot("profiled")
    page.command("tauto:take-out-profiling")
    assert source(page, 2) == "model(x).sum().backward()"


def test_the_dialog_builds_the_line_and_runs_it(page):
    page.open([MODEL + "\n" + FAKE, "1"], "quantized.ipynb")
    page.run(0)
    choose(page, 1)
    page.page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".jp-InputPrompt").click()
    page.page.keyboard.press("t")
    page.page.keyboard.press("q")
    dialog = page.page.get_by_role("dialog")
    model = dialog.get_by_label("Model", exact=True)
    expect(model).to_be_focused(timeout=30_000)  # the kernel is asked first
    expect(model).to_contain_text("model (Sequential, 212 parameters)")
    line = dialog.locator(".tauto-line")
    expect(line).to_have_text("%tauto_quantize model")
    expect(dialog).to_contain_text("was not profiled yet")
    dialog.get_by_label("Inputs", exact=True).fill("x")
    dialog.get_by_label("Evaluate", exact=True).fill("accuracy")
    dialog.get_by_label("Method", exact=True).fill("<img src=x onerror='x'>")
    hostile = """'<img src=x onerror='"'"'x'"'"'>'"""
    expect(line).to_have_text(f"%tauto_quantize model --method {hostile} --inputs x --evaluate accuracy")
    dialog.get_by_label("Method", exact=True).fill("dynamic")
    assert page.violations(".tauto-form") == []
    page.screenshot("quantize-dialog")
    dialog.get_by_role("button", name="Insert and run").press("Enter")
    expect(page.output(2)).to_contain_text("'method': 'dynamic'")
    assert source(page, 2) == "%tauto_quantize model --method dynamic --inputs x --evaluate accuracy"
    # the script of that result, from its report
    choose(page, 2)
    page.command("tauto:insert-script")
    assert "def optimize(model" in source(page, 3)


def test_the_settings_page_is_honoured_by_the_magics(page):
    page.open([MODEL + "\n" + FAKE, "%tauto_autotune model", "%config TautoMagics.figures"], "settings.ipynb")
    page.run(0)
    page.command("settingeditor:open", query="TAuto")
    # JupyterLab's form gives the label as an attribute
    budget = page.page.locator(".jp-SettingsPanel input[label='Time that a search may take']")
    # the editor saves by itself, a moment later
    with page.page.expect_response(
        lambda answer: "/api/settings/tauto" in answer.url and answer.request.method == "PUT"
    ):
        budget.fill("7min")
        budget.press("Tab")
    page.screenshot("settings")
    page.command("docmanager:open", path="settings.ipynb")
    expect(page.run(1)).to_contain_text("'budget': '7min'")
    page.dark()
    expect(page.run(2)).to_contain_text("dark")
    # a kernel that starts anew is told before its first cell
    page.begin("notebook:restart-run-all")
    page.page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(page.output(2)).to_contain_text("dark")
    expect(page.output(1)).to_contain_text("'budget': '7min'")


def test_the_launcher_opens_templates_and_tutorials_in_the_users_folder(page, server):
    page.open(["1"], "start.ipynb")
    page.command("launcher:create")
    cards = page.page.locator(".jp-Launcher-section", has_text="TAuto").locator(".jp-LauncherCard")
    expect(cards).to_have_count(3 + len(list((ROOT / "tutorials").glob("*.ipynb"))))
    page.screenshot("launcher")
    cards.filter(has_text="Make my model faster").click()
    expect(page.page.locator(".jp-Notebook:visible")).to_contain_text("A search over layouts")
    copied = nbformat.read(server.notebooks / "make-my-model-faster.ipynb", 4)
    assert any("%tauto_autotune" in cell.source for cell in copied.cells)
    # a second time there is a second one; a tutorial that is there is opened as it is
    for count in (1, 2):
        page.command("tauto:open-notebook", file="make-my-model-faster.ipynb", cwd="")
        page.command("tauto:open-notebook", file="01_quickstart.ipynb", cwd="")
        assert (server.notebooks / f"make-my-model-faster-{count + 1}.ipynb").is_file()
    assert len(list(server.notebooks.glob("01_quickstart*"))) == 1


def complete(page, wanted):
    """Press Tab, and take what is offered, where it is not put in at once as the only choice; expect ``wanted``."""
    page.page.keyboard.press("Tab")
    line = page.page.locator(".cm-content").nth(1)
    menu = page.page.locator(".jp-Completer:visible .jp-Completer-item")
    expect(menu.or_(line.filter(has_text=wanted)).first).to_be_visible()
    if menu.count():
        page.page.keyboard.press("Enter")
    expect(line).to_contain_text(wanted)


def test_completion_and_tooltips_come_from_the_kernel(page):
    page.open([MODEL + "\n%load_ext tauto_magics", "%tauto_quantize mo"], "completed.ipynb")
    page.run(0)
    page.page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".cm-content").click()
    page.page.keyboard.press("End")
    page.page.locator(".jp-mod-completer-enabled").wait_for()
    complete(page, "%tauto_quantize model")
    page.page.keyboard.type(" --max-d")
    complete(page, "--max-drop")
    page.page.keyboard.press("Shift+Tab")
    tooltip = page.page.locator(".jp-Tooltip")
    expect(tooltip).to_contain_text("what may be lost of what evaluate returns")
    page.screenshot("tooltip")

"""Past runs in a real notebook: filtered, compared, and a recipe applied again."""

from playwright.sync_api import expect

BEGIN = """
%load_ext tauto_magics
import tauto, torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4)).eval()
rows = torch.randn(64, 16)
from dataclasses import replace
from reports_by_hand import recipe, tuning
from tauto.store import Store
applied = [replace(one, recipe=recipe("bfloat16")) for one in tuning().trials]
Store().add(replace(tuning(), model="first", trials=tuple(applied)))
tauto.profile(net, rows, name="second");
"""


def test_runs_are_compared_and_a_recipe_is_applied_again_while_the_kernel_is_free(page):
    page.open([BEGIN, "%tauto_runs --panel", "print('free', 'again' in globals())", "again(rows).shape"])
    page.run(0)
    panel = page.run(1).locator("article.tauto-history")
    rows = panel.locator("table.tauto-runs tbody tr")
    panel.get_by_role("searchbox", name="Words in a run").fill("first")
    expect(rows).to_have_count(1)
    panel.get_by_role("searchbox", name="Words in a run").fill("")
    for box in panel.get_by_role("checkbox").all()[:2]:
        box.check()
    panel.get_by_role("button", name="Compare").click()
    expect(panel.get_by_text("These are runs of different kinds")).to_be_visible()
    expect(panel.get_by_role("rowheader", name="Speedup")).to_be_visible()

    rows.filter(has_text="first").get_by_role("button").click()
    panel.get_by_label("Inputs").select_option("rows")
    panel.get_by_label("Its model is named").fill("again")
    panel.get_by_role("button", name="Prepare and measure").click()
    expect(page.run(2)).to_contain_text("free False")
    expect(panel.get_by_text("again is the model.")).to_be_visible(timeout=150_000)
    expect(page.run(3)).to_contain_text("torch.Size([64, 4])")
    page.screenshot("history-panel", panel)
    assert page.violations("article.tauto-history") == []

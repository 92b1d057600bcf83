"""Reports in a saved notebook, drawn by the extension from their JSON: there is no kernel."""

from __future__ import annotations

from playwright.sync_api import expect
from reports_by_hand import profile, trained_profile, tuning
from saved_notebook import bundle_of, open_without_kernel

HOSTILE = '<b onclick="window.hurt = 1" onmouseover="window.hurt = 1">seen</b>'


def test_a_report_is_drawn_without_a_kernel(page, server):
    open_without_kernel(page, server, [bundle_of(trained_profile())], "drawn.ipynb")
    report = page.output(0).locator(".tauto-report article.tauto")
    expect(report).to_be_visible()
    expect(report).to_contain_text("backward pass")
    # the renderer's, and not the static report beside it
    expect(page.output(0).locator("[data-mime-type='text/html']")).to_have_count(0)
    # a key that means something to the notebook means nothing to it in here
    tab = report.get_by_role("tab").first
    tab.focus()
    for key in ("ArrowDown", "b", "Enter"):
        page.page.keyboard.press(key)
    expect(tab).to_be_focused()
    assert page.page.locator(".jp-Notebook .jp-CodeCell").count() == 1
    assert page.violations(".tauto-report") == []
    page.screenshot("renderer-light", report)
    page.dark()
    assert page.violations(".tauto-report") == []
    page.screenshot("renderer-dark", report)


def test_a_newer_schema_is_jupyterlabs_own_html_with_the_notebooks_trust(page, server):
    newer = bundle_of(tuning(), schema=99)
    newer["text/html"] += f'<p>{HOSTILE}</p><script>window.hurt = 1</script><p class="end">the end</p>'
    other = bundle_of(tuning(), kind="a kind of next year")
    open_without_kernel(page, server, [newer, other], "newer.ipynb")
    expect(page.output(0).locator(".tauto-report .jp-RenderedHTML")).to_contain_text("Improved")
    expect(page.output(0)).to_contain_text("the end")
    page.output(0).get_by_text("seen").click()
    expect(page.output(1).locator(".tauto-report .jp-RenderedHTML")).to_contain_text("Improved")
    # the notebook is not trusted: what runs was taken out by JupyterLab
    assert page.page.evaluate("window.hurt") is None


def test_a_damaged_report_and_one_of_many_rows(page, server):
    cut = bundle_of(trained_profile(), phases="cut off")
    open_without_kernel(page, server, [cut, bundle_of(profile(5_000))], "damaged.ipynb")
    expect(page.output(0).locator(".jp-RenderedHTML")).to_contain_text("Profile of")
    expect(page.output(1).locator("article.tauto")).to_be_visible()

"""The panel of a profile, in a real notebook."""

from playwright.sync_api import expect

SHOW = "from reports_by_hand import trained_profile\nfrom tauto.results.of import result_of\n"


def test_a_panel_draws_itself_and_covers_the_static_report(page):
    page.open([SHOW + "result_of(trained_profile()).panel()"])
    output = page.run(0)
    panel = output.locator("article.tauto")
    expect(panel.get_by_role("row", name="backward pass")).to_contain_text("42 %")
    # the static report is there, and hidden
    expect(output.locator(".tauto-static")).to_have_count(1)
    expect(output.locator(".tauto-static")).to_be_hidden()
    page.screenshot("profile-panel", panel)

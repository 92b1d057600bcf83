"""The panel of layers switched one by one, in a real notebook, as a person uses it."""

import re

from playwright.sync_api import expect

BEGIN = "from panel_sessions import analysed, batches, fragile_net, odd_net, right\n"
PANEL = "article.tauto-compression"
MEASURED = 120_000


def effect(panel, name):
    """Return what the table says of one figure: estimated, measured."""
    row = panel.locator(".tauto-effects tbody tr").filter(has=panel.page.get_by_role("rowheader", name=name))
    return row.locator("td").nth(0), row.locator("td").nth(1)


def switch(panel, layer, precision):
    group = panel.get_by_role("radiogroup", name=f"Precision of {layer}", exact=True)
    return group.get_by_role("radio", name=precision)


def test_a_layer_switched_is_estimated_at_once_and_measured_when_let_go(page):
    page.open(
        [
            f"{BEGIN}model = fragile_net()\npanel = analysed(model, evaluate=right, max_drop='20%').panel()\npanel",
            "print(panel.recipe.title, panel.answer['state'], panel._bench.estimate(panel.choices).snr_db)",
            "panel.result.panel()",
        ]
    )
    panel = page.run(0).locator(PANEL)
    expect(panel.get_by_role("button", name="fragile")).to_be_visible()
    switch(panel, "late", "int8").check(force=True)
    estimated, measured = effect(panel, "Size")
    expect(estimated).to_contain_text("kB (0.")
    expect(measured).to_have_text("–")
    expect(panel.get_by_role("status").first).to_contain_text("Measuring")
    # the kernel is free meanwhile
    said = page.run(1)
    expect(said).to_contain_text("int8_dynamic (but for stem")
    expect(panel.get_by_role("status").first).to_contain_text("Measured: the quality holds", timeout=MEASURED)
    expect(measured).to_contain_text("kB (0.")
    expect(effect(panel, "right")[1]).to_contain_text(re.compile("worse by|better by|unchanged"))
    expect(effect(panel, "Time of a call")[1]).to_contain_text("speedup")
    # what the browser reckons is what Python reckons
    snr = re.search(r"([\d.]+)\s*$", said.inner_text().strip())
    assert snr is not None
    expect(effect(panel, "Outputs")[0]).to_contain_text(f"{float(snr[1]):.1f} dB")
    page.screenshot("compression-panel", panel)

    # moving the slider is estimated, letting it go is measured
    slider = panel.get_by_role("slider", name="Zeros among the weights of late")
    before = effect(panel, "Outputs")[0].inner_text()
    slider.focus()
    slider.press("End")
    expect(effect(panel, "Outputs")[0]).not_to_have_text(before)
    expect(panel.get_by_text("95 % zeros")).to_be_visible()
    panel.get_by_role("button", name="late", exact=True).click()
    expect(panel.get_by_text("Weights of late")).to_be_visible()
    expect(panel.get_by_role("img", name="Zeros of the first weights of late")).to_be_visible()
    expect(panel.get_by_role("status").first).to_contain_text("Measured", timeout=MEASURED)
    # what was measured before is known at once
    slider.press("Home")
    expect(panel.get_by_role("status").first).to_contain_text("Measured: the quality holds", timeout=3000)

    # a second panel of the same analysis has switches of its own
    other = page.run(2).locator(PANEL)
    expect(switch(other, "late", "float32")).to_be_checked()
    switch(other, "stem", "bfloat16").check(force=True)
    expect(switch(panel, "stem", "float32")).to_be_checked()
    other.get_by_role("button", name="Stop measuring").click()
    expect(other.get_by_role("status").first).to_contain_text("Stopped")

    panel.get_by_text("Copy as code").click()
    lines = panel.get_by_label("The lines")
    expect(lines).to_contain_text("('int8_dynamic', {'keep': ('stem', 'middle', 'fragile', 'head')})")
    expect(lines).to_contain_text("tauto.apply(recipe, model, data=data, evaluate=right)")
    assert page.violations(PANEL) == []
    page.dark()
    assert page.violations(PANEL) == []
    page.screenshot("compression-panel-dark", panel)

    # without a kernel the static report is what is seen
    page.save()
    page.command("kernelmenu:shutdown")
    page.visit()
    saved = page.output(0)
    expect(saved.locator(".tauto-static")).to_be_visible()
    expect(saved.locator(".tauto-static")).to_contain_text("Each layer quantized alone")

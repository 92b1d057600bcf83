"""The panels of layers and of past runs on a page of their own, without a kernel: what they draw and ask for."""

import time
from dataclasses import replace

import pytest
import reports_by_hand
import sensitivity_by_hand
import torch
from accessibility import violations
from notebook_page import SCREENSHOTS
from panels_by_hand import ODD, compression_traits, history_traits, layer, opened_runs, past_runs
from playwright.sync_api import expect
from torch import nn

from tauto.profiling.weights import analyse_weights
from tauto.rendering import bounded

WIDTHS = {"wide": 1100, "narrow": 400}


LAYERS = [layer("stages.1", 0.1, 0.02), layer("stem"), layer(ODD), layer("head", 1e-5, None)]


def kept(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("panel", ["compression", "history"])
def test_a_panel_is_accessible_and_fits_light_or_dark_wide_or_narrow(bare, panel, width, dark):
    page = bare(WIDTHS[width], dark=dark)
    if panel == "compression":
        page.show("compression", **compression_traits(LAYERS))
        page.page.get_by_text("Copy as code").click()
    else:
        reports = [reports_by_hand.tuning(), reports_by_hand.trained_profile()]
        page.show("history", **history_traits(**opened_runs(reports)))
    assert violations(page.page, "main") == []
    assert page.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    # names that are markup are text
    assert page.page.locator("img").count() == 0
    expect(page.page.locator("code, td").filter(has_text=ODD).first).to_be_visible()
    kept(page, f"{panel}-{width}-{'dark' if dark else 'light'}")


def test_layers_are_chosen_by_keyboard_alone_and_asked_for_when_let_go(bare):
    page = bare()
    page.show("compression", **compression_traits(LAYERS))
    keys = page.page.keyboard
    page.page.get_by_role("button", name="stages.1").focus()
    keys.press("Tab")
    keys.press("ArrowRight")  # float32 → bfloat16
    keys.press("ArrowRight")  # → int8
    asked = page.page.evaluate("() => window.model.get('asked')")
    assert asked == {"number": 2, "engine": "torch", "choices": {"stages.1": {"precision": "int8", "sparsity": 0}}}
    expect(page.page.locator(".tauto-effects tbody tr").first).to_contain_text("371 kB (0.93×)")
    expect(page.page.get_by_role("row", name="accuracy")).to_contain_text("worse by 2.00 points (more than allowed)")
    keys.press("Tab")
    keys.press("ArrowRight")
    asked = page.page.evaluate("() => window.model.get('asked')")
    assert asked["choices"] == {"stages.1": {"precision": "int8", "sparsity": 0.05}}
    # what is measured comes beside it, and only as long as it is of what is chosen
    comparison = reports_by_hand.comparison().to_dict()
    answer = {
        "number": asked["number"],
        "state": "done",
        "words": "Measured.",
        "seconds": 3.0,
        "comparison": comparison,
    }
    page.tell("answer", answer)
    expect(page.page.get_by_role("columnheader", name="Measured", exact=True)).to_be_visible()
    expect(page.page.locator(".tauto-effects")).to_contain_text("speedup 3.41×")
    keys.press("ArrowLeft")
    expect(page.page.get_by_role("columnheader", name="Measured of the choices before")).to_be_visible()


def test_what_an_engine_does_not_compute_cannot_be_chosen(bare):
    page = bare()
    page.show("compression", **compression_traits(LAYERS))
    head = page.page.get_by_role("radiogroup", name="Precision of head")
    expect(head.get_by_role("radio", name="int8")).to_be_disabled()
    expect(page.page.get_by_role("option", name="OpenVINO (not here: openvino is not installed)")).to_be_disabled()
    page.page.get_by_role("group", name="All layers").get_by_role("button", name="int8").click()
    chosen = page.page.evaluate("() => window.model.get('asked').choices")
    assert {path for path, one in chosen.items() if one["precision"] == "int8"} == {"stages.1", "stem", ODD}


def test_what_is_measured_can_be_stopped_once_and_a_lost_kernel_is_said(bare):
    page = bare()
    running = {"number": 0, "state": "running", "words": "Measuring.", "seconds": 4.2, "comparison": None}
    page.show("compression", **compression_traits(LAYERS, answer=running))
    stop = page.page.get_by_role("button", name="Stop measuring")
    stop.dblclick()
    expect(stop).to_be_disabled()
    assert page.sent == [{"kind": "stop"}]
    page.lose_kernel()
    expect(page.page.get_by_role("status").first).to_contain_text("kernel that this belongs to is gone")
    # the estimate needs no kernel
    page.page.get_by_role("slider", name="Zeros among the weights of stem").press("End")
    expect(page.page.get_by_role("row", name="Zeros among")).to_contain_text("24 %")


def test_five_thousand_layers_are_drawn_and_moved_quickly(bare):
    page = bare()
    many = [layer(f"blocks.{index}.fc", 1e-4 / (index + 1)) for index in range(5000)]
    first_ms = page.show("compression", **compression_traits(many))
    print(f"first paint of 5,000 layers: {first_ms:.0f} ms")
    assert first_ms < 5000
    expect(page.page.locator(".tauto-layers > li")).to_have_count(60)
    slider = page.page.get_by_role("slider").first
    slider.focus()
    took = page.page.evaluate(
        """() => {
          const slider = document.querySelector("input[type=range]")
          const times = []
          for (let step = 1; step <= 19; step++) {
            const begun = performance.now()
            slider.value = String(5 * step)
            slider.dispatchEvent(new Event("input"))
            times.push(performance.now() - begun)
          }
          return times.sort((a, b) => a - b)[9]
        }"""
    )
    print(f"an estimate of 5,000 layers while the slider moves: {took:.1f} ms")
    page.page.get_by_label("Layers with").fill("blocks.4999.")
    expect(page.page.locator(".tauto-layers > li")).to_have_count(1)


def test_runs_are_filtered_sorted_and_two_are_asked_for(bare):
    page = bare()
    page.show("history", **history_traits())
    table = page.page.locator("table.tauto-runs tbody tr")
    expect(table).to_have_count(3)
    page.page.get_by_role("searchbox", name="Words in a run").fill("kept resnet")
    expect(table).to_have_count(1)
    page.page.get_by_role("searchbox", name="Words in a run").fill("")
    page.page.get_by_label("Runs of one verb").select_option("autotune")
    expect(table).to_have_count(2)
    page.page.get_by_role("button", name="Model", exact=True).press("Enter")
    expect(table.first).to_contain_text("2.31× faster")
    expect(page.page.get_by_role("columnheader", name="Model")).to_have_attribute("aria-sort", "ascending")
    expect(page.page.get_by_role("button", name="Choose two runs to compare")).to_be_disabled()
    for number in (10, 12):
        page.page.get_by_role("checkbox", name=f"Choose run {number} for comparing").press("Space")
    page.page.get_by_role("button", name="Compare 10 and 12").press("Enter")
    assert page.sent == [{"kind": "open", "numbers": [10, 12]}]
    page.tell("compared", opened_runs([reports_by_hand.tuning(), reports_by_hand.comparison()])["compared"])
    page.tell("opened", opened_runs([reports_by_hand.tuning(), reports_by_hand.comparison()])["opened"])
    expect(page.page.get_by_role("row", name="Speedup")).to_be_visible()
    expect(page.page.get_by_role("group", name="Run 12", exact=True)).to_be_visible()


def test_a_recipe_is_applied_once_and_a_name_in_use_is_replaced_only_on_purpose(bare):
    page = bare()
    (one,) = opened_runs([reports_by_hand.tuning()])["opened"]
    page.show("history", **history_traits(opened=[{**one, "recipe": "int8_dynamic"}]))
    page.page.get_by_label("Inputs").select_option("x")
    page.page.get_by_label("Its model is named").fill("fast")
    page.page.get_by_role("button", name="Prepare and measure").dblclick()
    asked = {"kind": "apply", "number": 11, "model": "net", "inputs": "x", "data": "", "evaluate": "", "into": "fast"}
    assert page.sent == [{**asked, "over": False}]
    told = {"number": 11, "state": "refused", "words": "'fast' is in use.", "lines": "", "seconds": 0, "taken": True}
    page.tell("applied", told)
    expect(page.page.get_by_text("'fast' is in use.")).to_be_visible()
    page.page.get_by_role("button", name="Replace it").click()
    assert page.sent[-1] == {**asked, "over": True}
    done = {**told, "state": "done", "words": "fast is the model.", "lines": "import tauto", "taken": False}
    page.tell("applied", done)
    expect(page.page.get_by_text("fast is the model.")).to_be_visible()
    page.page.get_by_text("Copy as code").click()
    expect(page.page.get_by_label("The lines")).to_have_text("import tauto")


def test_two_thousand_runs_are_filtered_quickly(bare):
    page = bare()
    rows = tuple(replace(past_runs().rows[0], id=number) for number in range(2000, 0, -1))
    begun = time.monotonic()
    page.show("history", **history_traits(report=bounded(replace(past_runs(), rows=rows, total=2000))))
    expect(page.page.locator("table.tauto-runs tbody tr")).to_have_count(50)
    assert time.monotonic() - begun < 10
    page.page.get_by_role("searchbox", name="Words in a run").fill("1999")
    expect(page.page.locator("table.tauto-runs tbody tr")).to_have_count(1)


def test_analyses_of_layers_and_weights_are_drawn_from_their_json_alone(bare):
    page = bare()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    weights = analyse_weights(net, (1e-3,), "net")
    page.show("history", **history_traits(**opened_runs([sensitivity_by_hand.sensitivity(), weights])))
    first, second = (page.page.get_by_role("group", name=f"Run {number}", exact=True) for number in (11, 12))
    expect(first.get_by_role("heading", level=2)).to_contain_text("Quantizing stages.1 alone hurts most")
    first.get_by_role("button", name="Layer").first.click()
    expect(first.get_by_role("columnheader", name="Layer").first).to_have_attribute("aria-sort", "ascending")
    expect(second.get_by_role("img", name="Histogram of the weights of 0.weight")).to_be_visible()
    second.get_by_role("button", name="2.weight").click()
    expect(second.get_by_role("img", name="Histogram of the weights of 2.weight")).to_be_visible()
    assert violations(page.page, "main") == []
    # a report that no view knows is told in sentences
    (odd,) = opened_runs([sensitivity_by_hand.sensitivity()])["opened"]
    page.tell("opened", [{**odd, "number": 13, "report": {"kind": "sensitivity", "schema": 99}}])
    expect(page.page.get_by_role("group", name="Run 13", exact=True)).to_contain_text("a")

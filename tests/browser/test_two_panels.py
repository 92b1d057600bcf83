"""Two panels of one report on one page, of every kind but the profile's, which ``test_profile_drawing.py`` has."""

import pytest
from accessibility import violations
from exploration_by_hand import exploration
from layers_by_hand import layers
from panels_by_hand import compression_traits, history_traits, layer, opened_runs
from reports_by_hand import comparison, tuning, whole_profile
from study_by_hand import study
from tauto_widgets.compare import NO_LAYERS

ENDED = {"trials": [], "under_way": [], "best": 2, "progress": {}, "phase": "ended", "search": 1, "use": {}}
RUNNING = {**ENDED, "phase": "running", "progress": {"message": "trial 3 of 12", "done": 0.25, "seconds_left": 83}}
PANELS = {
    "compare": {
        "report": comparison().to_dict(),
        "layers": {**NO_LAYERS, "state": "made", "report": layers().to_dict()},
    },
    "tune": {"report": study().to_dict(), **ENDED},
    "tune, running": {"report": study().to_dict(), **RUNNING},
    "compression": compression_traits([layer("stem"), layer("head")]),
    "explore": {"report": exploration().to_dict(), "waiting": [], "progress": {}, "trouble": ""},
    "history": history_traits(**opened_runs([tuning(), whole_profile()])),
}


@pytest.mark.parametrize("panel", PANELS)
def test_two_panels_of_one_report_stand_on_one_page(bare, panel):
    page = bare()
    for _ in range(2):
        page.show(panel.split(",")[0], **{**PANELS[panel], "token": "t"})
    for figure in page.page.get_by_role("application").all():
        if figure.is_visible():
            figure.focus()
            for key in ("Home", "ArrowRight", "Enter"):
                page.page.keyboard.press(key)
    assert page.page.locator("article").count() >= 2
    ids = page.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(set(ids)) == len(ids)
    assert violations(page.page, "main") == []

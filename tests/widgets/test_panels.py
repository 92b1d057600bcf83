"""What all panels have in common, without a browser."""

import pytest
import reports_by_hand
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from tauto_widgets import ProfilePanel
from tauto_widgets.panel import Panel

from tauto.errors import InvalidArgument, MissingDependency
from tauto.results import panels
from tauto.results.of import result_of
from tauto.results.result import REPORT_MIME


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_result_gives_its_panel_and_stays_what_it_is():
    result = result_of(reports_by_hand.trained_profile())
    panel = result.panel()
    assert isinstance(panel, ProfilePanel)
    assert panel.result is result
    assert panel.report["kind"] == "profile"


def test_a_panel_is_shown_as_its_static_report_and_what_is_live(shell):
    result = result_of(reports_by_hand.trained_profile())
    panel = result.panel()
    with capture_output() as shown:
        shell.display_formatter.format(panel)
    static, live = (output.data for output in shown.outputs)
    assert shown.outputs[0].metadata == {REPORT_MIME: {"panel": panel.token}}
    assert f"tauto-of-{panel.token}" in static["text/html"]
    assert static["text/html"].startswith('<div class="tauto-static tauto-of-')
    assert result._repr_mimebundle_()["text/html"] in static["text/html"]
    assert static["text/plain"] == result._repr_mimebundle_()["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in live
    # a viewer that knows only HTML shows nothing of what cannot live there
    assert live["text/html"] == live["text/plain"] == ""


def test_what_a_panel_finds_out_is_told_by_its_static_report_too(shell):
    result = result_of(reports_by_hand.trained_profile())
    panel = result.panel()
    with capture_output() as shown:
        panel.renew()  # it stands nowhere yet
        shell.display_formatter.format(panel)
        panel.renew()
    first, _, again = shown.outputs
    assert (first.transient, first.update) == ({"display_id": panel.token}, False)
    assert (again.transient, again.update) == ({"display_id": panel.token}, True)
    assert again.data == first.data
    assert again.metadata == first.metadata


def test_a_result_without_a_panel_says_which_have_one():
    with pytest.raises(InvalidArgument, match=r"no panel of a machine; there is one of: .*profile"):
        result_of(reports_by_hand.machine()).panel()


def test_without_panels_or_their_front_ends_it_says_how_to_get_them(monkeypatch):
    result = result_of(reports_by_hand.trained_profile())
    monkeypatch.setattr(panels, "GROUP", "tauto.nothing")
    with pytest.raises(MissingDependency, match=r"pip install 'tauto\[notebook\]'"):
        result.panel()
    with pytest.raises(MissingDependency, match="make front-ends"):
        Panel(result)

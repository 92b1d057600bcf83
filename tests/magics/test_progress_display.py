"""What is shown while the engine works, and that it goes away."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tauto.cli.progress import TerminalProgress
from tauto.events import Progress
from tauto_magics import progress as module
from tauto_magics.progress import PROGRESS_MIME, NotebookProgress, progress_data, progress_html


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Recorded:
    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.cleared = 0


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()

    class Handle:
        display_id = "one"

        def display(self, bundle: dict[str, str], raw: bool) -> None:
            recorded.shown.append(bundle)

        update = display

    monkeypatch.setattr(module, "DisplayHandle", Handle)
    monkeypatch.setattr(module, "clear_output", lambda: setattr(recorded, "cleared", recorded.cleared + 1))
    return recorded


def test_the_bar_says_what_how_far_and_how_long(screen: Recorded) -> None:
    html = progress_html(Progress("autotune", "trying <b>int8</b>", 0.25, 83))
    assert 'max="1" value="0.250"' in html
    assert "trying &lt;b&gt;int8&lt;/b&gt; · 25 % · about 1 min 23 s left" in html


def test_jupyterlab_is_told_the_same_as_data(screen: Recorded) -> None:
    NotebookProgress().show(Progress("autotune", "trying <b>int8</b>", 0.25, 83, standing=lambda: None))
    assert screen.shown[0][PROGRESS_MIME] == {
        "task": "autotune",
        "message": "trying <b>int8</b>",
        "done": 0.25,
        "seconds_left": 83,
        "stoppable": True,
    }
    assert not progress_data(Progress("profile", "looking"))["stoppable"]


def test_an_unknown_share_and_one_out_of_range(screen: Recorded) -> None:
    assert "value" not in progress_html(Progress("profile", "looking"))
    assert 'value="1.000"' in progress_html(Progress("profile", "looking", 7.0))


def test_updates_are_throttled(screen: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.05, 0.1, 0.3, 0.35])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    notebook = NotebookProgress()
    for number in range(5):
        notebook.show(Progress("autotune", str(number)))
    assert ["0" in bundle["text/plain"] or "3" in bundle["text/plain"] for bundle in screen.shown] == [True, True]


def test_at_the_end_the_cell_is_cleared_or_the_bar_alone_made_empty(screen: Recorded) -> None:
    for clear in (True, False):
        notebook = NotebookProgress()
        notebook.show(Progress("autotune", "at work"))
        notebook.close(clear=clear)
    assert screen.cleared == 1
    assert screen.shown[-1] == {}


def test_nothing_shown_leaves_nothing(screen: Recorded) -> None:
    NotebookProgress().close(clear=True)
    assert (screen.cleared, screen.shown) == (0, [])


def test_a_terminal_gets_one_line_that_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    with TerminalProgress(stream) as terminal:
        terminal.show(Progress("autotune", "a long\nmessage " * 9, 0.5, 5))
    text = stream.getvalue()
    assert "\n" not in text
    assert text.startswith("\r\x1b[Kautotune: a long message")
    assert len(text.removeprefix("\r\x1b[K").split("\r")[0]) <= 39
    assert text.endswith("\r\x1b[K")


def test_a_file_gets_no_control_characters_and_nothing_of_what_is_quick() -> None:
    stream = io.StringIO()
    with TerminalProgress(stream) as terminal:
        terminal.show(Progress("autotune", "at once"))
    assert stream.getvalue() == ""


def test_a_plain_shell_shows_its_line_on_stderr(shell: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tauto.cli.progress.EVERY_PLAIN_S", 0.0)
    import torch

    shell.ip.push({"model": torch.nn.Linear(1, 1)})
    shell.run("%tauto_quantize model")
    assert shell.err == "quantize: working · 50 % · about 3 s left\n"

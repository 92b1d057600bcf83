"""Which lines are the user's own."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn

import tauto
from tauto.profiling import session
from tauto.profiling.stack_lines import stack_lines
from tauto.profiling.userlines import place, user_frame
from tauto.workload.user_lines import is_users


def outermost(file: str) -> FrameType:
    """Return the frame of code of ``file`` that was called from here."""
    names: dict[str, Any] = {"frame": sys._getframe}
    exec(compile("def here():\n    return frame()", file, "exec"), names)
    made: FrameType = names["here"]()
    return made


def test_from_a_library_the_way_leads_to_the_user_but_not_past_the_call_of_a_model() -> None:
    found = user_frame(outermost(torch.__file__))
    assert found is not None
    assert found.f_code.co_filename == __file__
    assert place(outermost(torch.__file__)).startswith("test_userlines.py:")
    assert user_frame(outermost(session.__file__)) is None
    assert place(outermost(session.__file__)) == ""


def test_the_command_is_nobodys_and_a_file_like_it_the_users() -> None:
    assert not is_users("/opt/somewhere/bin/tauto")
    assert is_users("/project/tauto.py")


def test_the_line_that_profiles_a_model_is_no_finding(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    net = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)))
    result = tauto.profile(net, torch.randn(8, 8, 96, 96), name="net")
    assert not [row for row in result.report.lines if row.file == "test_userlines.py"]
    assert not {"conversion_in_loop", "slow_line", "printing"} & {finding.rule for finding in result.findings}


class Slow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(60):
            x = x @ x / 400
        return x * self.scale


def test_the_lines_of_the_users_own_model_are_seen(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    result = tauto.profile(Slow(), torch.randn(400, 400), name="net")
    assert {row.file for row in result.report.lines} == {"test_userlines.py"}
    known = {"x = x @ x / 400", "for _ in range(60):", "return x * self.scale"}
    assert {row.source for row in result.report.lines} <= known


def test_a_recorded_frame_whose_folder_is_not_known_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tauto.profiling.stack_lines._prefix_regex", list)
    line_of = stack_lines()
    frames = ("torch/nn/modules/module.py", "tauto/profiling/recorder.py", "train.py")
    assert [line_of(file, 7) for file in frames] == ["", "", "train.py:7"]

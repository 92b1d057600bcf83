"""``%tauto_fix``: a finding of the last profile, by its number or its rule."""

from __future__ import annotations

from typing import Any

import pytest
from reports_by_hand import profile

import tauto
from tauto.reports import Fix
from tauto.results import ProfileResult, set_last
from tauto.results.last import forget_last


@pytest.mark.parametrize(("word", "finding"), [("2", 2), ("data_loading", "data_loading")])
def test_the_finding_is_a_number_or_a_rule(shell: Any, engine: Any, word: str, finding: object) -> None:
    assert shell.run(f"%tauto_fix {word} --budget 20s").success
    assert engine.calls[-1] == ("fix", (finding,), {"budget": "20s"})
    assert "<fix report>" in shell.out


def test_a_profile_and_a_step_are_names(shell: Any, engine: Any) -> None:
    shell.ip.user_ns["before"] = result = ProfileResult(profile())
    shell.run("def once():\n    pass")
    assert shell.run("%tauto_fix 1 --of before --step once").success
    assert engine.keywords["profile"] is result
    assert engine.keywords["step"] is shell.ip.user_ns["once"]
    assert "Did you mean 'before'" in shell.fails("%tauto_fix 1 --of befor")


def test_without_a_finding_or_a_profile_it_is_one_line(shell: Any) -> None:
    forget_last()
    assert "finding" in shell.fails("%tauto_fix")
    assert "nothing was profiled" in shell.fails("%tauto_fix 1")


def test_rules_that_can_be_tried_complete(shell: Any) -> None:
    from dataclasses import replace

    from tauto_magics.completion import candidates
    from tauto_magics.fix import FIX
    from tauto_magics.names import Names

    report = profile()
    finding = replace(report.findings[0], rule="threads", fix=Fix("threads", "", {"count": 1}))
    set_last(ProfileResult(replace(report, findings=(*report.findings, finding))))
    assert candidates(FIX.parser, [], "th", Names({}, {})) == ["threads"]
    assert candidates(FIX.parser, ["threads"], "--b", Names({}, {})) == ["--budget"]
    forget_last()


def test_the_profiled_cell_can_be_fixed(shell: Any) -> None:
    shell.run("import torch\nnet = torch.nn.Linear(4, 2)")
    assert shell.run("%%tauto_profile\nfor _ in range(50):\n    net(torch.zeros(1, 4))").success
    result = tauto.last()
    assert isinstance(result, ProfileResult)
    assert result.cell is not None
    assert result.cell.reads == ("net", "torch")
    assert result.cell.names is shell.ip.user_ns

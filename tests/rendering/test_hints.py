"""A line to run, as it is written in a notebook, in Python and at the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports_by_hand import profile, tuning

from tauto import rendering
from tauto.config import FrontEnd, front_end, use_front_end
from tauto.rendering.hints import Hints
from tauto.rendering.profile import document, explain
from tauto.rendering.tuning import document as tuned
from tauto.reports import Finding, Fix
from tauto.results import ProfileResult, TuningResult
from tauto.workload.cell import Cell

THREADS = Finding(
    "threads", "Few threads", "One.", "%tauto_fix threads", "torch.set_num_threads(2)", fix=Fix("threads", "")
)
RECIPE = replace(THREADS, rule="unfolded_norms", line="%tauto_fix unfolded_norms", fix=Fix("recipe", "net"))
TUNE = Finding("can_be_tried", "It can be tried", "", "%tauto_autotune net", "tauto.autotune(net)")
PRUN = Finding("outside_model", "Much is outside", "", "%%prun", "import cProfile")
CODE = Finding("printing", "It prints", "", "", "if step % 100 == 0:\n    print(1)")
NONE = Finding("untraced_model", "Not traced", "", "", "")
AT = "train.py:net --inputs x"


@pytest.mark.parametrize(
    ("finding", "notebook", "python", "terminal"),
    [
        (THREADS, THREADS.line, 'tauto.fix("threads")', f"tauto fix threads {AT}"),
        (TUNE, TUNE.line, TUNE.python, f"tauto autotune {AT}"),
        (PRUN, "%%prun", "import cProfile", "import cProfile"),
        (CODE, CODE.python, CODE.python, CODE.python),
        (NONE, "", "", ""),
    ],
)
def test_each_form_has_its_own_words(finding: Finding, notebook: str, python: str, terminal: str) -> None:
    assert Hints().line(finding) == notebook
    assert Hints("python").line(finding) == python
    assert Hints("terminal", AT).line(finding) == terminal


def test_where_the_code_is_not_known_a_step_is_asked_for_but_a_recipe_needs_none() -> None:
    assert Hints(runs_again=False).line(THREADS) == "%tauto_fix threads --step NAME"
    assert Hints("python", runs_again=False).line(THREADS).startswith('tauto.fix("threads", step=one_step)')
    assert Hints(runs_again=False).line(RECIPE) == RECIPE.line
    assert Hints("python", runs_again=False).line(RECIPE) == 'tauto.fix("unfolded_norms")'
    assert Hints(runs_again=False).line(TUNE) == TUNE.line


def test_the_page_and_the_sentences_of_a_profile_follow() -> None:
    report = replace(profile(), findings=(THREADS, TUNE))
    hints = Hints("terminal", AT)
    for said in (rendering.text(document(report, hints=hints)), explain(report, hints)):
        assert f"tauto fix threads {AT}" in said
        assert "%tauto" not in said


def test_a_result_writes_as_the_front_end_does() -> None:
    report = replace(profile(), findings=(THREADS, TUNE))
    result = ProfileResult(report, Cell("1", {}))
    before = front_end()
    try:
        for kind, words in (("notebook", "%tauto_fix threads"), ("python", 'tauto.fix("threads")')):
            use_front_end(FrontEnd(kind))  # type: ignore[arg-type]
            assert words in repr(result)
            assert words in result.explain()
        result.hints = Hints("terminal", AT)
        assert f"tauto fix threads {AT}" in repr(result)
        use_front_end(FrontEnd("python"))
        assert "step=one_step" in repr(ProfileResult(report))
    finally:
        use_front_end(before)


def test_what_to_do_with_a_tuned_model() -> None:
    report = tuning()
    assert "%tauto_script" in rendering.text(tuned(report))
    assert "%tauto" not in rendering.text(tuned(report, Hints("python")))
    result = TuningResult(report)
    result.hints = Hints("terminal")
    assert "--recipe FILE" in repr(result)
    assert "tauto.last()" not in repr(result)

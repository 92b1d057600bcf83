"""Plain sentences, Markdown, and the choice of a form."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from reports_by_hand import bare_comparison, comparison, everything, hostile, profile, trials, tuning
from study_by_hand import study

from tauto import rendering
from tauto.errors import InvalidArgument
from tauto.reports import Interval, Report, StudyTrial, TargetNote, report_from_dict


@pytest.mark.parametrize("report", [*everything(), *hostile()], ids=lambda report: report.kind)
def test_every_report_has_a_line_sentences_and_markdown(report: Report) -> None:
    assert "\n" not in rendering.headline(report)
    assert rendering.headline(report)
    assert rendering.explain(report)
    assert rendering.markdown(report).startswith("## ")
    assert not re.search(r"\bNone\b|\bnan\b", rendering.text(report))


def test_each_technique_is_accounted_for() -> None:
    lines = rendering.explain(tuning()).splitlines()
    assert (
        "openvino was kept at 3.41× (3.24–3.58) the speed of the original in its trial, and then confirmed: "
        "The fastest of those that hold the quality. It pays only above 1,083 calls: 6.42 s to prepare."
    ) in lines
    resisting = next(line for line in lines if line.startswith("int8_static was rejected at 4.20×"))
    assert resisting.endswith("It would pay only above 1,083 calls: 6.42 s to prepare.")
    assert "Skipped, No linear layers worth quantizing: int8_dynamic." in lines
    assert any(line.startswith("fold_batchnorm → compile failed: The trial ended by signal 11") for line in lines)
    assert any(line.startswith("bfloat16 was rejected at 0.41×") for line in lines)
    assert lines[-1].startswith("onnxruntime was not tried: ONNX Runtime is not installed.")
    assert len(lines) == 2 + len(trials()) + 1


def test_of_many_that_were_skipped_some_are_named() -> None:
    skipped = replace(trials()[0], status="skipped", reason="no time", comparison=None)
    report = replace(tuning(), trials=(*trials(), *(replace(skipped, number=10 + n) for n in range(37))))
    line = next(line for line in rendering.explain(report).splitlines() if line.startswith("Skipped, no time"))
    assert line.count("channels_last") == 10
    assert line.endswith("; and 27 more.")


def test_what_was_for_another_machine_says_so() -> None:
    here = TargetNote("edge-cpu", "2 cores, 4.0 GB", "", "tauto apply recipe.yaml MODEL")
    words = rendering.text(replace(tuning(), target=here))
    assert "For edge-cpu: measured on this machine held to what it has (2 cores, 4.0 GB)" in words
    far = replace(here, name="mobile", held="", elsewhere="this machine lacks NEON", expected=2.5)
    report = replace(tuning(), verdict="estimated", target=far)
    assert report_from_dict(report.to_dict()) == report
    words = rendering.text(report)
    assert "Estimated, not measured: openvino is expected to be 2.50× as fast on mobile" in words
    assert "For mobile, which cannot be measured here: this machine lacks NEON." in words
    assert "The times below are of this machine, not of mobile" in words
    assert "Speedup here" in words
    assert "✓ chosen" in words
    assert "✓ kept" not in words
    assert "was chosen: " in rendering.explain(report)
    assert " was kept" not in rendering.explain(report)
    assert "tauto apply recipe.yaml MODEL" in words
    kept = rendering.text(replace(tuning("kept_original"), target=far))
    assert "Estimated" not in kept
    assert "For mobile, which cannot be measured here" in kept


def test_a_comparison_in_sentences() -> None:
    words = rendering.explain(comparison())
    assert "a speedup of 3.41× (3.24–3.58)" in words
    assert "Prepared in 6.42 s; it pays for itself after 1,083 calls." in words
    unsettled = rendering.explain(bare_comparison())
    assert "neither faster nor slower" in unsettled
    assert "The time cap was reached" in unsettled
    assert "Quality unproved: no evaluate, and only 3 varied inputs" in unsettled


def test_a_slower_one_is_called_slower() -> None:
    assert rendering.headline(comparison(0.5)).startswith("Slower: 0.50× (0.47–0.53)")


def test_preparation_that_never_pays_says_so() -> None:
    assert "does not pay for itself" in rendering.explain(replace(comparison(0.5), break_even_calls=None))


def test_a_profile_in_sentences() -> None:
    words = rendering.explain(profile())
    assert "Most of the model's time is in stage0.conv1" in words
    assert "Try: %tauto_autotune net" in words


@pytest.mark.parametrize("report", hostile(), ids=lambda report: report.kind)
def test_a_hostile_name_is_no_markup_in_markdown(report: Report) -> None:
    outside_code = re.sub(r"^ *(`{3,})$.*?^ *\1$", "", rendering.markdown(report), flags=re.S | re.M)
    assert not re.search(r"(?<!\\)<(?!/?(?:details|summary)>)", outside_code)


def test_a_form_is_chosen_by_name() -> None:
    assert rendering.render(tuning(), "text") == rendering.text(tuning())
    with pytest.raises(InvalidArgument, match=r"form: 'htm' .* Did you mean 'html'"):
        rendering.render(tuning(), "htm")  # type: ignore[arg-type]


def test_what_has_no_page_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"dict has no page"):
        rendering.text({})  # type: ignore[arg-type]


def test_no_speedup_is_claimed_that_was_not_shown() -> None:
    proof = replace(comparison(1.17), verdict="same", speedup_interval=Interval(0.86, 1.37))
    report = replace(tuning(), confirmed=proof)
    line = rendering.headline(report)
    assert "not shown to be faster or slower (0.86–1.37×)" in line
    assert "faster (" not in line
    assert "smaller" in line


def test_a_study_without_a_result_says_what_its_trials_failed_by() -> None:
    failed = [StudyTrial(n, "failed", {"lr": 0.1}, reason="raised ValueError: no", seconds=1.5) for n in range(12)]
    few = replace(study(), best=None, trials=tuple(failed[:3]), earlier=0, stopped="all 3 trials have ended")
    assert rendering.headline(few) == "No result in 3 trials: each raised ValueError: no"
    text = " ".join(rendering.text(replace(few, trials=tuple(failed))).split())
    assert "(trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more)" in text
    assert "In trials 18.0 s; the rest: starting their processes" in text
    others = [replace(one, reason=f"raised {one.number}") for one in failed]
    assert "9 other trials failed for 9 other reasons." in rendering.explain(replace(few, trials=tuple(others)))

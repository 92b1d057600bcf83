"""Decoding for real: in processes of their own, with a decoder by hand and one of transformers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import CONTEXT, growing, hugging, prompt, small, step
from torch import nn

import tauto
from tauto.errors import Interrupted, InvalidArgument, ModelError
from tauto.reports import report_from_dict
from tauto.results.of import result_of
from tauto.tuning import decoding as search


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


def _dies(model: Any, ids: Any, cache: Any) -> Any:
    if ids.shape[1] == 1 and cache[0] > 6:
        os._exit(3)
    return step(model, ids, cache)


def _wrong(model: Any, ids: Any, cache: Any) -> Any:
    logits, cache = step(model, ids, cache)
    return logits.flip(-1), cache


def test_a_model_of_transformers_is_measured_and_left_as_it_was() -> None:
    model = hugging("llama")
    before, names = {name: value.clone() for name, value in model.state_dict().items()}, set(vars(model))
    result = tauto.decode(model, prompt(), lengths=(4, 12), ways="none,static", budget="4min")
    rows = {row.key: row for row in result.rows}
    assert set(rows) == {"dynamic", "none", "static"}
    assert rows["dynamic"].status == "original"
    for row in rows.values():
        assert [one.tokens for one in row.lengths] == [4, 12]
        assert row.agreement.equal == 1.0, row.key
        assert row.agreement.same_text == 1.0, row.key
        assert row.first_token_ms > 0
    # keys and values of 16 places (the last token is not read), one head of 8, two sequences, in float32
    assert rows["dynamic"].cache_bytes >= 2 * 2 * 16 * 8 * 4
    assert rows["none"].cache_bytes == 0
    assert [gain.tokens for gain in result.gains] == [4, 12]
    assert result.generate(prompt(), 3).shape[0] == 2
    assert set(vars(model)) == names
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    again = result_of(report_from_dict(result.to_dict()))
    assert again.report == result.report
    with pytest.raises(InvalidArgument, match="past run"):
        again.generate(prompt())


def test_a_winner_is_loaded_and_makes_the_originals_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(search, "WORTH", 0.0)
    monkeypatch.setattr(search, "verdict_of", lambda interval: "better")  # who is faster is not what is tested here
    decoder = growing(layers=1)
    result = tauto.decode(decoder, prompt(), lengths="4,8", budget="4min", name="small")
    assert (result.verdict, result.winner) == ("improved", "dynamic")
    assert result.confirmed.tokens == 8
    assert result.way("dynamic").status == "kept"
    assert torch.equal(result.generate(prompt(), 8), result.model.generate(prompt(), 8))
    assert result.generate(prompt(), 8).shape == (2, 13)
    assert "decoder.step(model, new, cache)" in result.script()
    with pytest.raises(ModelError, match=r"not kept as data\. Keep the plain Python of it"):
        tauto.save(result, tmp_path / "kept")
    with pytest.raises(InvalidArgument, match=r"no way 'dynamik' was tried\. Did you mean 'dynamic"):
        result.way("dynamik")


@pytest.mark.parametrize(
    ("adapter", "status", "says"),
    [(_dies, "failed", "exit code 3"), (_wrong, "rejected", "the first other at 0")],
    ids=["dies", "wrong"],
)
def test_a_way_that_dies_or_makes_other_tokens_is_a_trial_with_its_reason(adapter: Any, status: str, says: str) -> None:
    decoder = tauto.Decoder(small(layers=1), adapter)
    result = tauto.decode(decoder, prompt(), lengths=(6,), ways=["dynamic"], budget="3min")
    row = result.way("dynamic")
    assert row.status == status
    assert says in row.reason
    assert result.verdict == "kept_original"
    assert result.model is decoder.model
    assert "There is nothing to do again" in result.script()


def test_what_the_user_stops_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Decoding, "_try", stop)
    with pytest.raises(Interrupted) as stopped:
        tauto.decode(growing(layers=1), prompt(), lengths=(4,), budget="3min")
    found: Any = stopped.value.result
    assert found.interrupted
    assert [row.status for row in found.rows] == ["original"]
    assert tauto.last() is found


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lengths": "many"}, "lengths: 'many' are no numbers of new tokens"),
        ({"lengths": (1,)}, r"lengths: \(1,\) are no numbers"),
        ({"lengths": (25, 400)}, f"400 new tokens after a prompt of 5 are more than the model's context of {CONTEXT}"),
        ({"ways": []}, "ways: there is none"),
        ({"ways": "dynamc"}, "Did you mean 'dynamic'"),
        ({"target": 1}, "target: 1 is no speedup"),
        ({"min_agreement": 2}, "min_agreement: 2 is no share"),
        ({"budget": "soon"}, "budget: 'soon' is not a time"),
        ({"inputs": torch.zeros(1, 4)}, "inputs: a prompt is a tensor of token ids"),
        ({"inputs": torch.zeros(1, CONTEXT, dtype=torch.long)}, "leaves no room in the model's context"),
    ],
    ids=str,
)
def test_mistakes_are_told_before_any_work(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        tauto.decode(growing(), **{"inputs": prompt(), **options})


def test_a_model_without_logits_is_told() -> None:
    with pytest.raises(ModelError, match="model: "):
        tauto.decode(nn.Sequential(nn.Embedding(50, 4), nn.Flatten(0)), prompt(), budget="1min")


def test_tokens_that_there_are_not_are_told_at_once() -> None:
    with pytest.raises(InvalidArgument, match=r"^inputs: there is no token 10000: the model has"):
        tauto.decode(hugging("llama"), torch.full((1, 4), 10_000))

"""What a trial of a decoder does, run in this process."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import VOCABULARY, growing, hugging, prompt

from tauto.decoding import Decoder, Way
from tauto.execution import save_workload
from tauto.tuning import decoding_trial
from tauto.tuning.decoding_payload import DecodingPayload
from tauto.workload import Workload


class Slow(torch.nn.Module):
    """Takes longer, the longer the text."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        time.sleep(0.002 * ids.shape[1])
        return torch.nn.functional.one_hot((ids + 1) % 7, 7).float()

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))


def _measure(decoder: Decoder, way: Way, folder: Path, lengths: list[int], cap_s: float, vocabulary: int) -> Any:
    payload = folder / "decoder.pt"
    save_workload(DecodingPayload(decoder, Workload.of(decoder.model, inputs=prompt())), payload)
    return decoding_trial.measure(str(payload), asdict(way), lengths, 60, vocabulary, str(folder / "ways"), cap_s)


def test_whole_runs_tell_each_length_and_two_ways_the_same_tokens(tmp_path: Path) -> None:
    decoder = growing(layers=1)
    one = _measure(decoder, Way("none"), tmp_path, [3, 9], 5.0, VOCABULARY)
    other = _measure(decoder, Way("dynamic"), tmp_path, [3, 9], 5.0, VOCABULARY)
    assert one["tokens"] == other["tokens"]
    assert one["chosen"] == other["chosen"]
    assert len(one["tokens"]) == 2
    assert len(one["tokens"][0]) == 9
    assert {len(runs) for runs in one["at"].values()} == {decoding_trial.MOST_RUNS}
    assert all(short < long for short, long in zip(one["at"][3], one["at"][9], strict=True))
    assert not one["estimated"]
    assert one["cache_bytes"] == 0 < other["cache_bytes"]


def test_what_takes_too_long_without_a_cache_is_estimated_from_steps_along_the_text(tmp_path: Path) -> None:
    found = _measure(Decoder(Slow()), Way("none"), tmp_path, [4, 40], 0.2, 7)
    assert list(found["at"]) in ([4], [])
    # the sum over 40 steps of 2 ms for each token of the text: 5 of the prompt and those before
    wanted = sum(0.002 * (5 + place) for place in range(40))
    for seconds in found["estimated"][40]:
        assert wanted < seconds < 3 * wanted


def test_a_confirmation_times_both_in_turn(tmp_path: Path) -> None:
    decoder = Decoder(hugging())
    _measure(decoder, Way("static"), tmp_path, [3], 1.0, VOCABULARY)
    original, way = asdict(Way("dynamic")), asdict(Way("static"))
    found = decoding_trial.confirm(str(tmp_path / "decoder.pt"), original, way, 3, 60, str(tmp_path / "ways"), 0.0)
    assert len(found["original"]) == len(found["decoded"]) == decoding_trial.FEWEST_PAIRS


@pytest.mark.parametrize("given", [torch.tensor([[5, 6]]), {"input_ids": torch.tensor([[5, 6]])}], ids=str)
def test_a_mask_grows_with_the_text(given: Any) -> None:
    from tauto.workload.call import call_from_inputs

    call = call_from_inputs(given)
    if call.kwargs:
        call.kwargs["attention_mask"] = torch.tensor([[0, 1]])
    ids = torch.tensor([[5, 6, 7]])
    longer = decoding_trial._longer(call, ids)
    assert (longer.kwargs.get("input_ids", longer.args[0] if longer.args else None) == ids).all()
    if call.kwargs:
        assert longer.kwargs["attention_mask"].tolist() == [[0, 1, 1]]

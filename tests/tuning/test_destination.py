"""The machine that a search is for, and what this one is held to in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tauto.hardware import Hardware, target
from tauto.recipes import Recipe
from tauto.techniques import technique
from tauto.tuning import chosen_techniques, destination, expected_space
from tauto.tuning.destination import Destination, estimate_words
from tauto.workload import Workload

HERE = Hardware("cpu", "a CPU", 4, 8 * 2**30, frozenset({"AVX2", "AVX512", "VNNI"}), "linux", "c++", "abc")


def described(tmp_path, **changes):
    values = {"about": "a board", "device": "cpu", "cores": 2, "memory_gb": 4, "instruction_sets": "[AVX2]"}
    lines = [f"{key}: {value}" for key, value in {**values, "gflops": "{float32: 50}", **changes}.items()]
    file = tmp_path / "board.yaml"
    file.write_text("\n".join(lines))
    return target(file)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"cores": 4}, ""),
        ({"cores": 8}, "it has 8 cores, and this machine 4"),
        ({"device": "cuda"}, "it computes on cuda, and this machine on cpu"),
        ({"instruction_sets": "[AVX2, AMX_INT8]"}, "this machine lacks AMX_INT8"),
    ],
)
def test_what_has_no_more_than_this_machine_can_be_stood_in_for(tmp_path, changes, why):
    assert described(tmp_path, **changes).why_not_here(HERE) == why


def test_this_machine_is_held_to_what_the_target_has(tmp_path):
    held = described(tmp_path).held(HERE)
    assert (held.cores, held.memory_bytes, held.lacking) == (2, 4_000_000_000, ("AVX512", "VNNI"))
    assert held.env == {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    assert held.words == "2 cores, 4.0 GB, without AVX512 and VNNI"


def test_one_that_is_as_this_machine_is_held_to_nothing(tmp_path):
    held = described(tmp_path, cores=4, memory_gb=64, instruction_sets="[AVX2, AVX512, VNNI]").held(HERE)
    assert (held.cores, held.memory_bytes, dict(held.env), held.words) == (None, None, {}, "")


def test_engines_that_look_at_the_cpu_themselves_are_left_out_where_instructions_are_fewer(tmp_path):
    held = described(tmp_path).held(HERE)
    there = Destination("board", HERE, HERE, held, without=("compile",))
    chosen = [technique(name) for name in ("openvino", "compile", "channels_last")]
    usable, left_out = there.usable(chosen)
    assert [item.name for item in usable] == ["channels_last"]
    reasons = {one.technique: one.reason for one in left_out}
    assert "cannot be kept from AVX512 and VNNI" in reasons["openvino"]
    assert reasons["compile"] == "it is not to be used on board, as its file says"
    assert replace(there, held=replace(held, lacking=())).usable(chosen)[0][0].name == "openvino"


def test_what_is_expected_of_a_machine_that_is_not_at_hand():
    there = destination("mobile", "cpu")
    assert there.elsewhere
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 62 * 62, 4)).eval()
    space = expected_space(Workload.of(net, inputs=torch.zeros(1, 3, 64, 64)), there, chosen_techniques())
    assert {recipe.engine.name for recipe in space.recipes} == {"onnxruntime"}
    gains = [space.expected[recipe.digest] for recipe in space.recipes]
    assert gains == sorted(gains, reverse=True)
    note = there.note(space.recipes[0], space.expected)
    words = estimate_words(note, space.recipes[0], quality_held=True)
    assert "estimated, not measured" in words
    assert words.endswith("tauto apply recipe.yaml MODEL --inputs INPUTS")
    assert "no quality could be judged" in estimate_words(note, Recipe(()), quality_held=None)


def test_this_machine_as_it_is_needs_no_note():
    there = destination("this-machine", "cpu")
    assert there.note(None, {}) is None
    assert there.hardware is there.here

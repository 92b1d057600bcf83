"""Students made of their teacher: what goes, what stays, and what is refused by name."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from tauto.errors import CandidateFailed
from tauto.fitting.state import take
from tauto.techniques.distillation.students import halve_depth, repeats, student_of
from tauto.workload import Workload

WORDS = {"input_ids": torch.arange(8).reshape(2, 4)}


def mlp(repeated):
    hidden = [layer for _ in range(repeated) for layer in (nn.Linear(32, 32), nn.ReLU(inplace=True))]
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), *hidden, nn.Linear(32, 4))


class Listed(nn.Module):
    """Blocks in a list, one after the other or beside each other."""

    def __init__(self, in_turn, blocks=4):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(16, 16), nn.Tanh()) for _ in range(blocks))
        self.in_turn = in_turn

    def forward(self, x):
        if not self.in_turn:
            return sum(block(x) for block in self.blocks)
        for block in self.blocks:
            x = nn.functional.dropout(block(x), 0.1, self.training)
        return x


class Counted(Listed):
    """Knows its blocks by number."""

    def forward(self, x):
        return super().forward(x) + self.blocks[3][0].bias


def of(model, inputs=None):
    return Workload.of(model.eval(), inputs=torch.randn(4, 16) if inputs is None else inputs)


def test_every_second_of_what_repeats_goes_and_the_rest_keeps_its_weights():
    workload = of(mlp(4))
    before = take(workload.model)
    student, words = student_of(workload, "half")
    assert words == "half-depth, without 4, 5, 8, 9"
    assert [type(layer).__name__ for layer in student] == ["Linear", "ReLU"] * 3 + ["Linear"]
    assert torch.equal(student[4].weight, workload.model[6].weight)
    assert all(torch.equal(value, before[name]) for name, value in take(workload.model).items())
    assert all(each.requires_grad for each in student.parameters())
    assert not any(each._forward_hooks for each in student.modules())


def test_blocks_of_a_list_go_too():
    student, words = student_of(of(Listed(True, 5)), "half-depth")
    assert words == "half-depth, without blocks.1, blocks.3"
    assert list(student.blocks._modules) == ["0", "1", "2"]


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_transformers_are_halved_and_their_layers_numbered_anew(kind):
    shape = {"vocab_size": 50, "max_position_embeddings": 16}
    if kind == "bert":
        config = BertConfig(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, **shape)
        model = BertModel(config)
    else:
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=4, n_head=2, bos_token_id=0, eos_token_id=0)
        )
    student, words = student_of(of(model, WORDS), "half")
    assert words.count(".1") == words.count(".3") == 1
    places = [each.layer_idx for each in student.modules() if getattr(each, "layer_idx", None) is not None]
    assert sorted(set(places)) == ([0, 1] if kind == "gpt2" else sorted(set(places)))
    assert sum(each.numel() for each in student.parameters()) < sum(each.numel() for each in model.parameters())


def test_what_lies_side_by_side_is_no_depth():
    model = Listed(False)
    assert repeats(model)  # by its looks
    assert halve_depth(model, (torch.randn(4, 16),), {}) == []
    with pytest.raises(CandidateFailed, match="no blocks that repeat one after the other"):
        student_of(of(model), "half-depth")


def test_a_model_that_counts_its_blocks_is_refused_with_its_own_words():
    with pytest.raises(CandidateFailed, match=r"half-depth.*IndexError"):
        student_of(of(Counted(True)), "half-depth")


@pytest.mark.parametrize(("shape", "width"), [("half", 16), ("half-width", 16), ("quarter-width", 8)])
def test_widths_shrink_and_the_strongest_channels_stay(shape, width):
    workload = of(mlp(0))
    student, words = student_of(workload, shape)
    assert words == f"{'quarter' if width == 8 else 'half'}-width, 0 32 → {width}"
    assert student[0].weight.shape == (width, 16)
    rows = {tuple(row.tolist()) for row in workload.model[0].weight}
    assert all(tuple(row.tolist()) in rows for row in student[0].weight)


def test_a_model_too_narrow_is_refused_by_name():
    with pytest.raises(CandidateFailed, match="none of its layers can be made narrower"):
        student_of(of(nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 2))), "half")


def test_a_layer_that_is_called_by_several_blocks_stays_and_so_do_they():
    act = nn.Tanh()
    model = nn.Sequential(nn.Linear(16, 16), act, nn.Linear(16, 16), act, nn.Linear(16, 8), act)
    inputs = torch.randn(3, 16)
    right = model(inputs)
    assert halve_depth(model, (inputs,), {}) == []
    assert torch.equal(model(inputs), right)


def test_a_shared_activation_is_not_lost_with_the_blocks_that_go():
    act = nn.Tanh()
    model = nn.Sequential(act, *(nn.Linear(16, 16) for _ in range(4)), act)
    assert halve_depth(model, (torch.randn(3, 16),), {}) == ["2", "4"]
    assert [type(layer).__name__ for layer in model._modules.values()] == ["Tanh", "Linear", "Linear", "Tanh"]

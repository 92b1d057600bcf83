from collections import namedtuple

import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.measurement.agreement import check_outputs, compare_outputs, outputs_of
from tauto.workload import Call

Pair = namedtuple("Pair", "first second")


def compared(*pairs):
    calls = [Call((torch.zeros(4, 2),)) for _ in pairs]
    return compare_outputs([before for before, _ in pairs], [after for _, after in pairs], calls)


def test_equal_outputs_agree_fully():
    x = torch.randn(4, 10)
    result = compared((x, x.clone()))
    assert (result.cosine, result.relative_error, result.same_answer, result.samples) == (1.0, 0.0, 1.0, 4)


def test_figures_by_hand():
    result = compared((torch.tensor([[3.0, 4.0]]).repeat(4, 1), torch.tensor([[4.0, 3.0]]).repeat(4, 1)))
    assert result.cosine == pytest.approx(24 / 25)
    assert result.relative_error == pytest.approx(2**0.5 / 5)
    assert result.same_answer == 0.0


def test_the_worst_batch_and_the_worst_output_count():
    x, y = torch.randn(4, 10), torch.randn(4, 6)
    good, bad = {"a": x, "b": (y,)}, {"a": x, "b": (1.5 * y,)}
    result = compared((good, good), (good, bad), (good, good))
    assert result.relative_error == pytest.approx(0.5)
    assert result.cosine == pytest.approx(1.0)
    assert result.samples == 12


def test_same_answer_is_a_share_of_samples():
    before = torch.eye(4)
    after = before.clone()
    after[0] = before[1]
    assert compared((before, after)).same_answer == 0.75


def test_no_answer_for_outputs_that_are_not_class_scores():
    assert compared((torch.randn(4, 3, 5),) * 2).same_answer is None
    assert compared((torch.randn(4, 1),) * 2).same_answer is None


def test_other_outputs_count_by_the_share_that_differs():
    before = torch.arange(100)
    after = before.clone()
    after[:5] = -1
    result = compared((before, after))
    assert result.relative_error == pytest.approx(0.05)
    assert result.cosine == pytest.approx(0.95)
    flags = compared((before > 50, before > 50))
    assert (flags.cosine, flags.relative_error) == (1.0, 0.0)


def test_complex_outputs_count_by_both_parts():
    z = torch.randn(8, dtype=torch.complex64)
    assert compared((z, 1j * z)).cosine == pytest.approx(0.0, abs=1e-6)


def test_an_output_of_zeros_is_held_against_its_size_in_other_calls():
    zeros, x = torch.zeros(100), torch.ones(100)
    tiny = compared((x, x), (zeros, zeros + 1e-6))
    assert tiny.relative_error == pytest.approx(1e-6 * 2**0.5, rel=1e-3)
    assert tiny.cosine > 0.999
    large = compared((x, x), (zeros, x))
    assert large.relative_error > 1.0
    assert large.cosine < 0.99


def test_something_in_place_of_nothing_does_not_agree():
    result = compared((torch.zeros(4), torch.ones(4)))
    assert (result.cosine, result.relative_error) == (0.0, 1.0)
    result = compared((torch.ones(4), torch.zeros(4)))
    assert (result.cosine, result.relative_error) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (torch.zeros(1, 10), torch.zeros(1, 11), r"outputs differ in shape: float32\[1, 10\] became float32\[1, 11\]"),
        (torch.zeros(2), torch.zeros(2).half(), r"outputs differ in dtype: float32\[2\] became float16\[2\]"),
        ((torch.zeros(2),), [torch.zeros(2)], r"outputs differ in structure: tuple\(Tensor\) became list\(Tensor\)"),
        ({"a": torch.zeros(1)}, {"b": torch.zeros(1)}, r"dict\(a: Tensor\) became dict\(b: Tensor\)"),
        (Pair(torch.zeros(1), None), Pair(torch.zeros(1), torch.zeros(1)), "Pair.*NoneType.* became Pair"),
        (torch.ones(2), torch.tensor([1.0, float("nan")]), "NaN or infinite"),
        (torch.ones(2), torch.tensor([1.0, float("inf")]), "NaN or infinite"),
        (torch.tensor([1.0, float("inf")]), torch.tensor([1.0, float("-inf")]), "NaN or infinite"),
    ],
)
def test_outputs_of_another_kind_are_refused_in_words(before, after, words):
    with pytest.raises(CandidateFailed, match=words):
        compared((before, after))


def test_infinities_of_the_original_are_left_out():
    x = torch.tensor([1.0, float("-inf"), float("nan")])
    result = compared((x, x.clone()))
    assert (result.cosine, result.relative_error) == (1.0, 0.0)


def test_constants_may_differ_in_value_but_not_in_kind():
    assert compared(({"x": torch.ones(1), "loss": 1.5}, {"x": torch.ones(1), "loss": 1.6})).cosine == 1.0


class Stateful(nn.Module):
    """Reuses its output buffer, and records how it was run."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Dropout()
        self.buffer = torch.zeros(4)
        self.seen = []

    def forward(self, x):
        self.seen.append((self.inner.training, torch.is_inference_mode_enabled()))
        self.buffer.copy_(x.sum(1) + torch.rand(4))
        return self.buffer


def test_outputs_are_copies_made_in_eval_and_modes_are_restored():
    model = Stateful()
    calls = [Call((torch.ones(4, 2),)), Call((torch.zeros(4, 2),))]
    state = torch.get_rng_state()
    outputs = outputs_of(model, calls)
    assert outputs[0].min() >= 2.0
    assert outputs[1].max() < 2.0
    assert model.seen == [(False, True)] * 2
    assert model.training
    assert model.inner.training
    assert torch.equal(torch.get_rng_state(), state)
    assert check_outputs(outputs, model, calls).relative_error == 0.0  # the same seed, the same draws


def test_enough_samples_are_enough():
    calls = [Call((torch.zeros(40, 3),)) for _ in range(20)]
    assert len(outputs_of(nn.Linear(3, 2), calls)) == 7
    assert len(outputs_of(nn.Linear(3, 2), calls, time_cap_s=0.0)) == 2


def test_a_candidate_is_run_on_as_many_calls_as_there_are_outputs():
    calls = [Call((torch.randn(40, 3),)) for _ in range(20)]
    model = nn.Linear(3, 2)
    result = check_outputs(outputs_of(model, calls, max_samples=80), model, calls)
    assert result.samples == 80
    assert result.cosine == pytest.approx(1.0)

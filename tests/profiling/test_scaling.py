"""Real models at several sizes: what is counted grows as it must, what is refused is named, the model stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tauto.config.scale import parse_scale
from tauto.errors import InvalidArgument, ModelError
from tauto.events import Progress, listening
from tauto.profiling.scaling import measure_scaling
from tauto.profiling.scaling_inputs import places_of, resized
from tauto.reports import Growth, ScalingReport
from tauto.workload import Call, Workload


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Other work on the machine must not make a block of tiny calls take seconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here is about how exact the times are."""
    monkeypatch.setattr("tauto.profiling.scaling.ROUNDS", 2)


class Attention(nn.Module):
    def __init__(self, positions: int = 4096) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(50, 16), nn.Embedding(positions, 16)
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        out: Tensor = self.attend(hidden, hidden, hidden, need_weights=False)[0]
        return out


IDS = torch.arange(24).reshape(2, 12)


def scaled(model: nn.Module, inputs: Any, scale: str, budget_s: float = 300.0) -> ScalingReport:
    return measure_scaling(Workload.of(model, inputs=inputs), parse_scale(scale), budget_s)


def growth(report: ScalingReport, quantity: str) -> Growth:
    return next(one for one in report.series[0].growths if one.quantity == quantity)


def test_attention_grows_quadratically_in_work_and_a_linear_layer_linearly() -> None:
    attention = scaled(Attention(), IDS, "seq=32..1024")
    counted = [point.flops for point in attention.series[0].points]
    # of each of 2 samples: projections 2·4·16·16 a position, positions added 16, biases and scaling of q, k, v 96;
    # of each of 2 heads 4·8 a score for both products and 5 for the softmax
    closed = [2 * (n * (2048 + 16 + 96) + 2 * n * n * (4 * 8 + 5)) for n in (32, 64, 128, 256, 512, 1024)]
    assert counted == closed
    assert growth(attention, "flops").order == "n²"
    assert growth(attention, "flops").shares["n²"] > 0.9
    assert attention.unit == "positions"
    linear = scaled(nn.Linear(64, 64), torch.randn(2, 64), "batch=1..64")
    assert growth(linear, "flops").order == "n"
    assert [point.flops for point in linear.series[0].points] == [2 * 64 * 64 * n for n in (1, 2, 4, 8, 16, 32, 64)]
    assert [point.peak_bytes for point in linear.series[0].points] == [256 * n for n in (1, 2, 4, 8, 16, 32, 64)]


def test_from_where_the_model_refuses_is_told_and_what_came_before_kept() -> None:
    report = scaled(Attention(positions=64), IDS, "seq=16..512")
    assert [point.size for point in report.series[0].points] == [16, 32, 64]
    (left,) = report.left_out
    assert left.sizes == (128, 256, 512)
    assert "from 128 on the model refuses" in left.reason
    assert "IndexError" in left.reason


def test_a_model_that_refuses_every_size_is_one_clear_line() -> None:
    with pytest.raises(ModelError, match=r"no size of x?.*could be measured.*refuses them.*at 2: .*multiplied") as said:
        scaled(nn.Linear(8, 8), torch.randn(2, 8), "0.1=2,4,16")
    assert str(said.value).count("multiplied") == 1


def test_the_same_error_is_told_once() -> None:
    report = scaled(nn.Linear(8, 8), torch.randn(2, 8), "0.1=2,4,8,16,32")
    first, last = report.left_out
    assert (first.sizes, last.sizes) == ((2, 4), (16, 32))
    assert "the model refuses them; its own error, at 2: RuntimeError" in first.reason
    assert last.reason == "from 16 on the model refuses, for the same reason"


def test_what_the_time_does_not_allow_is_named() -> None:
    report = scaled(nn.Linear(8, 8), torch.randn(2, 8), "batch=1..1024", budget_s=1e-9)
    assert [point.size for point in report.series[0].points] == [1]
    assert report.left_out[0].sizes[0] == 2
    assert "the time was up" in report.left_out[0].reason


def test_the_model_its_inputs_and_the_random_state_stay() -> None:
    model = Attention().train()
    before, ids, state = [p.clone() for p in model.parameters()], IDS.clone(), torch.get_rng_state()
    told: list[Progress] = []
    with listening(told.append):
        scaled(model, IDS, "batch=1..8")
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert model.training
    assert torch.equal(IDS, ids)
    assert torch.equal(torch.get_rng_state(), state)
    assert told
    assert all(one.done is not None and 0 <= one.done <= 1 for one in told)


def test_inputs_are_made_anew_by_cycling_what_was_given() -> None:
    call = Call((IDS,), {"mask": torch.ones(2, 12), "scale": 3})
    places = places_of(parse_scale("seq=20"), call, Attention())
    made = resized(call, places, 20)
    assert made.args[0].shape == (2, 20)
    assert torch.equal(made.args[0][:, 12:], IDS[:, :8])
    assert made.kwargs["mask"].shape == (2, 20)
    assert made.kwargs["scale"] == 3
    assert places.names == ("ids.1", "mask.1")


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        ("batch=4", ("x.0",)),
        ("size=4", ("x.2", "x.3")),
        ("width=4", ("x.3",)),
        ("x.1=4", ("x.1",)),
        ("0.1+0.2=4", ("x.1", "x.2")),
    ],
)
def test_each_way_to_name_a_dimension(scale: str, names: tuple[str, ...]) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    assert places_of(parse_scale(scale), Call((torch.zeros(2, 3, 8, 8),)), Net()).names == names


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        ("x.1=4", r"no input 'x'. There is: input"),
        ("input.2=4", "has no dimension 2.*Write one from 0 to 1"),
        ("height=4", "no input has the dimension 'height'"),
        ("tokens=4", "has no generate"),
    ],
)
def test_a_dimension_that_is_not_there_is_one_clear_line(scale: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        scaled(nn.Linear(8, 8), torch.randn(2, 8), scale)

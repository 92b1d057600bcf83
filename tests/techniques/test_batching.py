import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.batching import BatchPieces, SplitBatchConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
SPLIT = technique("split_batch")


class Seen(nn.Module):
    """Tells how many rows each call had; its answer is nested and holds a constant."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.rows = []

    def forward(self, x, *, scale):
        self.rows.append(len(x))
        return {"y": self.linear(x) * scale, "kind": "seen"}


def test_the_answer_is_that_of_the_whole_batch():
    net, x, scale = Seen().eval(), torch.randn(7, 3), torch.tensor(2.0)
    whole = net(x, scale=scale)
    net.rows.clear()
    answer = BatchPieces(net, 3)(x, scale=scale)
    assert net.rows == [3, 3, 1]
    assert answer["kind"] == "seen"
    torch.testing.assert_close(answer["y"], whole["y"])
    net.rows.clear()
    BatchPieces(net, 7)(x, scale=scale)
    assert net.rows == [7]


@pytest.mark.parametrize("reduces", [lambda x: x.mean(), lambda x: x.mean(0), lambda x: x.T])
def test_what_is_not_made_of_rows_is_refused(reduces, tmp_path):
    class Reduced(nn.Linear):
        def forward(self, x):
            return reduces(super().forward(x))

    given = Workload.of(Reduced(3, 5), inputs=torch.randn(8, 3))
    with pytest.raises(CandidateFailed):
        SPLIT.apply(given, SplitBatchConfig(4), Context(tmp_path, HARDWARE))


@pytest.mark.parametrize(("batch", "rows"), [(2, [1]), (8, [4, 1]), (64, [32, 8])])
def test_half_and_an_eighth_are_tried(batch, rows):
    given = Workload.of(nn.Linear(3, 2), inputs=torch.randn(batch, 3))
    assert [config.rows for config in SPLIT.space(given, HARDWARE)] == rows


def test_one_row_leaves_nothing_to_cut():
    given = Workload.of(nn.Linear(3, 2), inputs=torch.randn(1, 3))
    assert "a batch of 1" in SPLIT.applies_to(given, HARDWARE).reason

"""Learning from a teacher's layers: which go together, what is compared, and nothing stays behind."""

from __future__ import annotations

import pytest
import torch
from fitting_workloads import digits, loader, same
from torch import nn

from tauto.errors import InvalidArgument
from tauto.fitting import Plan, fit, imitating
from tauto.fitting.hints import attention_distance, feature_distance, relation_distance
from tauto.fitting.matching import matches, points
from tauto.workload import Call


def mlp(width, depth, seed=0):
    torch.manual_seed(seed)
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), *hidden, nn.Linear(width, 10))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x).relu()


class Conv(nn.Module):
    """Digits as pictures, in two stages of blocks."""

    def __init__(self, width, depth):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.fine = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.coarse = nn.ModuleList(Block(width) for _ in range(depth))
        self.head = nn.Linear(width, 10)

    def forward(self, images):
        maps = self.fine(self.stem(images.unflatten(1, (1, 8, 8))))
        maps = nn.functional.max_pool2d(maps, 2)
        for block in self.coarse:
            maps = block(maps)
        return self.head(maps.mean((2, 3)))


EXAMPLE = Call((digits()[0][:4],))


def matched(student, teacher, **more):
    return [str(each) for each in matches(points(student, EXAMPLE), points(teacher, EXAMPLE), **more)]


def test_layers_go_together_by_depth_and_shape():
    assert matched(mlp(8, 1), mlp(16, 3)) == ["0 ← 2", "2 ← 6"]
    assert matched(Conv(4, 1), Conv(8, 2)) == ["fine.0 ← fine.1", "coarse.0 ← coarse.1"]
    assert matched(Conv(4, 2), Conv(8, 4), maps=True) == [
        "fine.0 ← fine.1", "fine.1 ← fine.3", "coarse.0 ← coarse.1", "coarse.1 ← coarse.3",
    ]  # fmt: skip
    assert matched(mlp(8, 1), mlp(16, 3), maps=True) == []
    assert len(matched(mlp(8, 12), mlp(16, 12))) == 6


def test_other_kinds_of_layers_go_together_where_shapes_allow():
    student = nn.Sequential(nn.Bilinear(64, 64, 8), nn.Linear(8, 10))
    student.forward = lambda x: student[1](student[0](x, x))
    assert matched(student, mlp(16, 3)) == ["0 ← 6"]


def test_what_is_called_twice_or_is_the_output_is_no_point():
    shared = nn.Linear(64, 64)
    model = nn.Sequential(shared, shared, nn.Linear(64, 10))
    assert points(model, EXAMPLE) == []


@pytest.mark.parametrize("method", ["features", "attention", "relational"])
def test_a_student_comes_nearer_to_its_teacher_and_no_hook_stays(method):
    torch.manual_seed(0)
    student, teacher = Conv(4, 1), Conv(8, 2)
    student.coarse[0].register_forward_hook(hook := lambda *_: None)
    objective = imitating(student, teacher, EXAMPLE, method, mixing=0.9, loss=nn.CrossEntropyLoss())
    kept = [each.detach().clone() for each in objective.parameters()]
    fitted = fit(student, loader(256), objective=objective, teacher=teacher, plan=Plan(epochs=6, learning_rate=1e-2))
    first, *_, last = fitted.report.losses
    assert last < 0.9 * first
    assert (len(kept) > 0) is (method == "features")
    assert not any(torch.equal(one, other) for one, other in zip(kept, objective.parameters(), strict=True))
    hooks = [
        list(each._forward_hooks.values()) for model in (student, fitted.model, teacher) for each in model.modules()
    ]
    assert [each for each in hooks if each] == [[hook], [hook]]
    assert teacher.training
    assert all(each.grad is None for each in teacher.parameters())


def test_hooks_go_when_the_model_raises():
    student, teacher = mlp(8, 1), mlp(16, 1)
    objective = imitating(student, teacher, EXAMPLE, "features")
    with pytest.raises(Exception, match="refuses a batch"):
        objective(student, (torch.zeros(3, 5), torch.zeros(3)))
    assert not any(each._forward_hooks for model in (student, teacher) for each in model.modules())


def test_one_seed_gives_one_student():
    def once():
        student, teacher = mlp(8, 1), mlp(16, 3)
        objective = imitating(student, teacher, EXAMPLE, "features", seed=3)
        return fit(student, loader(128), objective=objective, teacher=teacher, plan=Plan(epochs=1)).model

    torch.manual_seed(5)
    one = once()
    torch.manual_seed(6)
    assert same(one, once())


def test_the_distances_are_what_they_say():
    x = torch.randn(5, 3, 4)
    assert feature_distance(x * 0, x).item() == pytest.approx(1)
    assert attention_distance(7 * x, x, 2).item() == pytest.approx(0, abs=1e-6)
    assert attention_distance(x.flip(1), x, 2).item() > 0
    turned = torch.linalg.qr(torch.randn(12, 12)).Q
    assert relation_distance(3 * x.flatten(1) @ turned, x).item() == pytest.approx(0, abs=1e-4)
    assert relation_distance(x.flip(0)[:, :, :1], x).item() > 0
    alone = torch.randn(1, 3, requires_grad=True)
    relation_distance(alone, x[:1]).backward()
    assert torch.isfinite(alone.grad).all()


def test_mistakes_are_said():
    with pytest.raises(InvalidArgument, match=r"method: there is no 'feature'\. Did you mean 'features'"):
        imitating(mlp(8, 1), mlp(16, 1), EXAMPLE, "feature")
    with pytest.raises(InvalidArgument, match=r"puts out a map of positions.*Use method='logits'"):
        imitating(mlp(8, 1), mlp(16, 1), EXAMPLE, "attention")
    with pytest.raises(InvalidArgument, match="temperature: -1"):
        imitating(mlp(8, 1), mlp(16, 1), EXAMPLE, "features", temperature=-1)

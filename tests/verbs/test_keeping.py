"""A model is saved as data and comes back in the user's own class, by itself and in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from reports_by_hand import tuning
from torch import Tensor, nn

import tauto
from tauto.errors import InvalidArgument, ModelError, RecipeError
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, build
from tauto.results import TuningResult
from tauto.techniques import Context
from tauto.workload import Workload

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).relu().mean((-1, -2)))
"""


class Net(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).relu().mean((-1, -2)))


class Wrapped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    model = Net().eval()
    model.norm.running_mean.uniform_(-1, 1)
    return model


def optimized(model: nn.Module, recipe: Recipe, folder: Path) -> OptimizedModel:
    return build(recipe, Workload.of(model, inputs=X), Context(folder, Hardware.current("cpu")))


RECIPES = [
    Recipe.of("fold_batchnorm"),
    Recipe.of("fold_batchnorm", "channels_last"),
    Recipe.of("channels_last", "bfloat16"),
    Recipe.of(("float16", {"mode": "autocast"})),
    Recipe.of("fold_batchnorm", "int8_dynamic", ("threads", {"count": 1})),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_an_optimized_model_comes_back_with_its_recipe(recipe: Recipe, net: Net, tmp_path: Path) -> None:
    fast = optimized(net, recipe, tmp_path / "work")
    folder = tauto.save(fast, tmp_path / "fast")
    state = torch.get_rng_state()
    again = tauto.load(folder, Net)
    assert torch.equal(state, torch.get_rng_state())
    assert isinstance(again, OptimizedModel)
    assert again.recipe == recipe
    assert torch.equal(again(X), fast(X))
    assert not any(module.training for module in again.modules())
    # what was loaded can be kept again
    assert torch.equal(tauto.load(tauto.save(again, tmp_path / "twice"), Net)(X), fast(X))
    assert not list(tmp_path.rglob("*.pt")), "nothing is pickled"


def test_another_process_loads_it_into_the_users_class_alone(net: Net, tmp_path: Path) -> None:
    fast = optimized(net, Recipe.of("fold_batchnorm"), tmp_path / "work")
    tauto.save(fast, tmp_path / "fast")
    (tmp_path / "mine.py").write_text(SOURCE)
    code = (
        "import tauto, torch; from mine import Net\n"
        "model = tauto.load('fast', lambda: Net(16))\n"
        "print(type(model.module).__name__, type(model.module.norm).__name__)\n"
        "torch.manual_seed(1); x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))\n"
        "print(model(x).double().sum().item())"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    kinds, total = ended.stdout.splitlines()
    assert kinds == "Net Identity"
    assert float(total) == pytest.approx(fast(X).double().sum().item(), rel=1e-6)


def test_a_plain_model_and_one_that_was_changed_by_hand(net: Net, tmp_path: Path) -> None:
    tauto.save(net.train(), tmp_path / "plain")
    plain = tauto.load(tmp_path / "plain", Net())
    assert type(plain) is Net
    assert torch.equal(plain(X), net.eval()(X))
    net.head = nn.Sequential(nn.Linear(16, 2), nn.Linear(2, 5))
    tauto.save(net, tmp_path / "plain", original=Net())  # replaced as a whole
    assert torch.equal(tauto.load(tmp_path / "plain", Net)(X), net(X))
    assert [item.name for item in tmp_path.iterdir()] == ["plain"]


def test_a_result_is_saved_by_its_model(net: Net, tmp_path: Path) -> None:
    fast = optimized(net, Recipe.of("fold_batchnorm"), tmp_path / "work")
    again = tauto.load(tauto.save(TuningResult(tuning(), fast), tmp_path / "fast"), Net)
    assert torch.equal(again(X), fast(X))
    with pytest.raises(InvalidArgument, match="the store keeps no weights"):
        tauto.save(TuningResult(tuning()), tmp_path / "past")


def test_compiled_code_is_refused_with_the_way_out(net: Net, tmp_path: Path) -> None:
    fast = OptimizedModel(nn.Identity(), Recipe.of("fold_batchnorm", "onnxruntime"), net)
    with pytest.raises(ModelError, match=r"it runs in onnxruntime, .*fast.recipe.to_yaml\(\)\), .*tauto.apply"):
        tauto.save(fast, tmp_path / "fast")
    assert not (tmp_path / "fast").exists()
    with pytest.raises(ModelError, match=r"cannot be kept as data: the model itself: "):
        tauto.save(Wrapped(net), tmp_path / "fast", original=net)
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told_in_one_line(net: Net, tmp_path: Path) -> None:
    tauto.save(net, tmp_path / "net")
    for path, model, words in (
        ("none", Net, "holds no model"),
        ("net", "Net", "a str builds no model"),
        ("net", lambda: Net(1, 2), r"raised TypeError"),
        ("net", lambda: 3, "returned an int"),
        ("net", lambda: Net(17), r"does not fit: layer conv: its weight is \[17, 3, 3, 3\]"),
        ("net", lambda: nn.Linear(1, 1), "does not fit: the model itself: it is torch.nn.Linear"),
    ):
        with pytest.raises(InvalidArgument, match=words) as raised:
            tauto.load(tmp_path / path, model)
        assert "\n" not in str(raised.value)
    with pytest.raises(InvalidArgument, match="a dict is no model"):
        tauto.save(dict(net.state_dict()), tmp_path / "x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidArgument, match="holds something else"):
        tauto.save(net, tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "net")
    with pytest.raises(InvalidArgument, match="holds something else"):
        tauto.save(net, tmp_path / "link")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("path", "words"), [(3, "3 is no folder"), ("", "'' is no folder"), ("/proc/nowhere/x", "cannot be written")]
)
def test_a_path_that_is_none_is_told_in_one_line(net: Net, path: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^path: .*{words}") as error:
        tauto.save(net, path)
    assert "\n" not in str(error.value)


def test_a_hostile_recipe_is_refused(net: Net, tmp_path: Path) -> None:
    fast = optimized(net, Recipe.of("fold_batchnorm"), tmp_path / "work")
    recipe = tauto.save(fast, tmp_path / "fast") / "recipe.json"
    good = json.loads(recipe.read_text())
    for bad in (
        "!!python/object/apply:os.system ['true']",
        json.dumps({**good, "steps": [{"technique": "os.system"}]}),
        json.dumps({**good, "recipe": 99}),
        "x" * 2**21,
    ):
        recipe.write_text(bad)
        with pytest.raises(RecipeError):
            tauto.load(tmp_path / "fast", Net)


def test_what_did_not_finish_leaves_what_was_there(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tauto.save(net, tmp_path / "net")
    before = (tmp_path / "net" / "weights.safetensors").read_bytes()
    with torch.no_grad():
        net.head.bias.add_(1)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("tauto.serialization.architecture.Architecture.save", full)
    with pytest.raises(OSError, match="no space"):
        tauto.save(net, tmp_path / "net")
    assert (tmp_path / "net" / "weights.safetensors").read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["net"]

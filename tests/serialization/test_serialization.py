"""A changed model becomes data and comes back, or is refused with the layer named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.serialization import Skeleton, read, write
from tauto.serialization.architecture import _digest


class Block(nn.Module):
    def __init__(self, index: int, width: int = 8) -> None:
        super().__init__()
        self.index = index
        self.num_heads = 4
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        heads = x.unflatten(-1, (self.num_heads, -1)).sum(-2)
        return x + self.index + self.outer(self.inner(x).relu()) + heads.mean(-1, keepdim=True)


class Net(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.ModuleList(Block(index, width) for index in range(3))
        self.head = nn.Linear(width, 5)
        self.twin = self.head
        self.scale = nn.Parameter(torch.ones(width))
        self.register_buffer("mask", torch.ones(width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).mean((-1, -2)) * self.scale * self.mask
        for block in self.blocks:
            x = block(x)
        return self.twin(x) + self.head(x)


X = torch.randn(3, 1, 6, 6)


def net() -> Net:
    torch.manual_seed(0)
    model = Net().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def narrower(model: Net) -> None:
    """As a pruner does: the inner width of a block, and its numbers with it."""
    block = model.blocks[1]
    block.inner.weight = nn.Parameter(block.inner.weight[:6].detach().clone())
    block.inner.bias = nn.Parameter(block.inner.bias[:6].detach().clone())
    block.inner.out_features = block.outer.in_features = 6
    block.outer.weight = nn.Parameter(block.outer.weight[:, :6].detach().clone())


def in_two(model: Net) -> None:
    model.head = nn.Sequential(nn.Linear(8, 2, bias=False), nn.Linear(2, 5))


def without_a_block(model: Net) -> None:
    del model.blocks[1]


def other_heads(model: Net) -> None:
    model.blocks[0].num_heads = 2


def without_norm(model: Net) -> None:
    model.norm = nn.Identity()
    model.stem.bias = None


def in_the_class_own(model: Net) -> None:
    """A parameter and a buffer that belong to the user's class, and no number tells their size."""
    model.scale = nn.Parameter(torch.tensor(2.0))
    model.mask = torch.full((1,), 3.0)


def tied(model: Net) -> None:
    model.blocks[2].inner.weight = model.blocks[0].inner.weight


def untwinned(model: Net) -> None:
    model.twin = copy.deepcopy(model.head)
    nn.init.ones_(model.twin.weight)


def in_sixteen_bits(model: Net) -> None:
    model.stem.to(memory_format=torch.channels_last)
    model.blocks.half().float()


def a_block_moved(model: Net) -> None:
    model.head = nn.Sequential(model.blocks[2], nn.Linear(8, 5))
    del model.blocks[2]


CHANGES: list[Callable[[Net], None]] = [
    lambda model: None,
    narrower,
    in_two,
    without_a_block,
    other_heads,
    without_norm,
    in_the_class_own,
    tied,
    untwinned,
    in_sixteen_bits,
    a_block_moved,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_model_comes_back_in_the_class(change: Callable[[Net], None], tmp_path: Path) -> None:
    original = net()
    changed = copy.deepcopy(original)
    change(changed)
    write(changed.eval(), original, tmp_path)
    fresh = Net().eval()
    before = copy.deepcopy(fresh.state_dict())
    again = read(fresh, tmp_path)
    assert type(again) is Net
    assert not again.training
    torch.testing.assert_close(again(X), changed(X), rtol=0, atol=0)
    assert list(again.state_dict()) == list(changed.state_dict())
    assert all(torch.equal(one, two) for one, two in zip(before.values(), fresh.state_dict().values(), strict=True))
    assert len(list(again.parameters())) == len(list(changed.parameters()))  # ties are ties
    assert [item.stride() for item in again.parameters()] == [item.stride() for item in changed.parameters()]
    again(X).sum().backward()
    assert all(parameter.grad is None for parameter in fresh.parameters())


def test_a_skeleton_serves_as_the_original_and_keeps_no_weights(tmp_path: Path) -> None:
    original = net()
    skeleton = Skeleton.of(original)
    changed = copy.deepcopy(original)
    narrower(changed)
    write(changed, skeleton, tmp_path)
    torch.testing.assert_close(read(Net().eval(), tmp_path)(X), changed.eval()(X), rtol=0, atol=0)


def test_a_model_without_values_takes_those_of_the_file(tmp_path: Path) -> None:
    model = net()
    model.mask = None
    write(model, net(), tmp_path)
    with torch.device("meta"):
        fresh = Net().eval()
    again = read(fresh, tmp_path)
    assert not any(tensor.is_meta for tensor in again.state_dict().values())


def test_what_only_the_class_makes_must_have_values(tmp_path: Path) -> None:
    write(net(), net(), tmp_path)
    with torch.device("meta"):
        fresh = Net()
    with pytest.raises(CandidateFailed, match="the class must make its mask"):
        read(fresh, tmp_path)


@pytest.mark.parametrize("method", ["Int8WeightOnlyConfig", "Int8DynamicActivationInt8WeightConfig"])
def test_quantized_tensors_of_torchao_are_kept_in_their_parts(method: str, tmp_path: Path) -> None:
    import torchao.quantization as torchao

    model = net()
    original = copy.deepcopy(model)
    arguments = {"set_inductor_config": False}
    torchao.quantize_(model, getattr(torchao, method)(**arguments))
    write(model, original, tmp_path)
    again = read(Net().eval(), tmp_path)
    assert type(again.blocks[0].inner.weight) is type(model.blocks[0].inner.weight)
    torch.testing.assert_close(again(X), model(X), rtol=0, atol=0)


def test_hooks_are_not_kept_and_are_missed_by_name(tmp_path: Path) -> None:
    def hooked() -> Net:
        model = net()
        model.blocks[1].outer.register_forward_hook(lambda module, args, output: 2 * output)
        return model

    model = hooked()
    write(model, model, tmp_path)
    with pytest.raises(CandidateFailed, match=r"layer blocks.1.outer: hooks ran with it when it was written"):
        read(net(), tmp_path)
    torch.testing.assert_close(read(hooked(), tmp_path)(X), model(X), rtol=0, atol=0)


def test_masks_of_torch_must_be_made_permanent(tmp_path: Path) -> None:
    from torch.nn.utils import prune

    model = net()
    prune.random_unstructured(model.blocks[0].inner, "weight", 0.5)
    with pytest.raises(CandidateFailed, match=r"layer blocks.0.inner: it has hooks .*prune.remove"):
        write(model, net(), tmp_path)
    prune.remove(model.blocks[0].inner, "weight")
    write(model, net(), tmp_path)
    assert (read(net(), tmp_path).blocks[0].inner.weight == 0).any()


class Foreign(nn.Module):
    pass


def test_what_cannot_be_kept_is_refused_with_the_layer_named(tmp_path: Path) -> None:
    model = net()
    model.blocks[1] = Foreign()
    with pytest.raises(CandidateFailed, match=r"layer blocks.1: a Foreign cannot be kept"):
        write(model, net(), tmp_path)
    model = net()
    model.blocks[1].forward = lambda x: x
    with pytest.raises(CandidateFailed, match=r"layer blocks.1: its function 'forward' was changed"):
        write(model, net(), tmp_path)
    model = net()
    model.blocks[1].extra = nn.Parameter(torch.ones(2))
    with pytest.raises(CandidateFailed, match=r"layer blocks.1: it has a tensor 'extra'"):
        write(model, net(), tmp_path)
    model = net()
    model.head.weight = nn.Parameter(torch.ones(5, 8).to_sparse(), requires_grad=False)
    with pytest.raises(CandidateFailed, match=r"tensor head.weight: sparse"):
        write(model, net(), tmp_path)


def test_another_class_or_another_width_is_refused_with_the_layer_named(tmp_path: Path) -> None:
    write(net(), net(), tmp_path)
    with pytest.raises(CandidateFailed, match=r"the model itself: it is Linear|it is torch.nn.Linear"):
        read(nn.Linear(2, 2), tmp_path)
    with pytest.raises(CandidateFailed, match=r"its scale is \[16\].* \[8\]"):
        read(Net(16), tmp_path)
    longer = Net()
    longer.blocks.append(Block(3))
    with pytest.raises(CandidateFailed, match=r"layer blocks.3: it is Block"):
        read(longer, tmp_path)
    shorter = Net()
    del shorter.blocks[2]
    with pytest.raises(CandidateFailed, match=r"layer blocks.2: the model has none"):
        read(shorter, tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    write(net(), net(), tmp_path)
    weights = tmp_path / "weights.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-3] ^= 1
    weights.write_bytes(raw)
    with pytest.raises(CandidateFailed, match=r"weights.safetensors is damaged"):
        read(Net(), tmp_path)
    weights.unlink()
    with pytest.raises(CandidateFailed, match=r"there is no weights.safetensors"):
        read(Net(), tmp_path)
    description = tmp_path / "architecture.json"
    description.write_text(description.read_text().replace('"Net"', '"Not"'))
    with pytest.raises(CandidateFailed, match=r"architecture.json is damaged"):
        read(Net(), tmp_path)
    description.write_text("{" * 100_000)
    with pytest.raises(CandidateFailed, match=r"architecture.json is no JSON"):
        read(Net(), tmp_path)


def _rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the description as a stranger would, with a digest that fits."""
    path = folder / "architecture.json"
    data = json.loads(path.read_text())
    data.pop("sha256")
    change(data)
    path.write_text(json.dumps({**data, "sha256": _digest(data)}))


def _kind(name: str, **arguments: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["layers"].update({"head": {"kind": name, "arguments": arguments}})


def _attribute(path: str, name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["layers"].update({path: {"attributes": {name: value}}})


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a kind that is none": (_kind("os.system", command="true"), "layer head: 'os.system' is no kind"),
    "a kind by a path": (_kind("../../evil.Linear"), "is no kind"),
    "code for a number": (
        _kind("torch.nn.Linear", in_features="__import__('os').abort()", out_features=1, bias=True),
        "layer head: torch.nn.Linear cannot be built",
    ),
    "a size beyond all memory": (
        _kind("torch.nn.Linear", in_features=2**40, out_features=2**20, bias=True),
        r"layer head: its weight is \[\d+, \d+\]",
    ),
    "a number beyond 64 bits": (_kind("torch.nn.Linear", in_features=2**70, out_features=1, bias=True), "64 bits"),
    "an argument too many": (_kind("torch.nn.Identity", device="cuda"), "is built from nothing"),
    "the forward pass": (_attribute("head", "forward", "x"), "layer head: 'forward' is no attribute"),
    "the class": (_attribute("head", "__class__", "x"), "no attribute"),
    "the modules": (_attribute("head", "_modules", None), "no attribute"),
    "a weight as an attribute": (_attribute("head", "weight", None), "a part of it"),
    "an object as an attribute": (_attribute("head", "x", {"object": "os.system"}), "cannot be"),
    "numbers that do not fit": (_attribute("head", "in_features", 9), r"layer head: its weight is \(5, 8\)"),
    "a layer nowhere": (_attribute("nowhere.at.all", "x", 1), "layer nowhere.at.all: it is described"),
    "a tensor nowhere": (lambda data: data["tensors"].update(x=data["tensors"]["scale"]), "tensor x: it is not in"),
    "a tensor forgotten": (lambda data: data["tensors"].pop("scale"), "tensor scale: weights.safetensors has it"),
    "a shape that is another": (lambda data: data["tensors"]["scale"].update(shape=[3]), "tensor scale: "),
    "a tie to nothing": (lambda data: data["tensors"]["scale"].update(tied_to="y"), "tensor scale: it is tied to y"),
    "a part with a bad name": (
        lambda data: data["layers"].update({"": {"children": {"forward": True, "a/../b": True}}}),
        "layer forward: the model has none",
    ),
    "another version": (lambda data: data.update(version=2), "version 2"),
    "a field that is none": (lambda data: data.update(code="x"), "malformed at code"),
    "a number as a text": (lambda data: data["weights"].update(bytes="12"), "malformed at weights.bytes"),
    "quantized by a function": (
        lambda data: data["tensors"]["scale"].update(
            subclass={"_type": "Int8Tensor", "_data": {"dtype": {"_type": "torch.dtype", "_data": "load"}}}
        ),
        "tensor scale: torchao refuses it.* no dtype",
    ),
    "parts without end": (
        lambda data: data["layers"].update({".".join("a" * n): {"source": ""} for n in range(1, 900)}),
        "again and again",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_description_is_refused(name: str, tmp_path: Path) -> None:
    change, match = HOSTILE[name]
    write(net(), net(), tmp_path)
    _rewrite(tmp_path, change)
    with pytest.raises(CandidateFailed, match=match):
        read(Net(), tmp_path)


def test_attributes_that_are_no_plain_values_are_left_as_the_class_makes_them(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    model = net()
    model.blocks[0].endless = endless
    model.blocks[0].long = list(range(100_000))
    model.blocks[0].text = "x" * 100_000
    model.blocks[0].cache = {"object": object()}
    model.blocks[0].sizes = ((3, 4), [torch.float16, float("inf")], torch.Size([2]))
    write(model, net(), tmp_path)
    again = read(Net(), tmp_path).blocks[0]
    assert again.sizes == ((3, 4), [torch.float16, float("inf")], torch.Size([2]))
    assert type(again.sizes[2]) is torch.Size
    assert not {"endless", "long", "text", "cache"} & set(vars(again))
    assert (tmp_path / "architecture.json").stat().st_size < 50_000

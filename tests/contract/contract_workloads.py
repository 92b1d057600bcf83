"""Small workloads of many kinds, the same in every process; the models are left in a state that must be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from tauto.workload import Workload

BATCH = 4


class ConvNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.norm2 = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, 5)

    def forward(self, images: Tensor) -> Tensor:
        features = self.norm1(self.conv1(images)).relu()
        features = self.norm2(self.conv2(features)).relu()
        return self.head(self.drop(features.mean((2, 3))))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        states, (hidden, _) = self.lstm(sequences)
        return self.head(states), hidden.transpose(0, 1)


@dataclass
class Detected:
    scores: Tensor
    maps: dict[str, tuple[Tensor, ...]]


class Nested(nn.Module):
    """Takes a dictionary and a keyword, returns a dataclass of a dictionary of tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4 * 8 * 8, 3)
        self.register_buffer("weights", torch.linspace(0.5, 1.5, 3))
        self.register_buffer("order", torch.tensor([2, 0, 1]))

    def forward(self, batch: dict[str, Tensor], *, scale: Tensor, normalize: bool = False) -> Detected:
        maps = self.conv(batch["images"]).tanh() * scale[:, :, None, None]
        scores = self.head(maps.flatten(1))[:, self.order] * self.weights
        if normalize:
            scores = scores.softmax(-1)
        return Detected(scores, {"maps": (maps, batch["ids"] + 1)})


def _mlp() -> nn.Module:
    return nn.Sequential(_thin(nn.Linear(16, 32)), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))


def _thin(layer: nn.Linear) -> nn.Module:
    """Give ``layer`` a weight of low rank, as trained ones come near to: it can be written as two without a loss."""
    with torch.no_grad():
        left, values, right = torch.linalg.svd(layer.weight, full_matrices=False)
        values[8:] = 0
        layer.weight.copy_(left @ values.diag() @ right)
    return layer


def _encoder() -> nn.Module:
    return nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)


def _bert() -> nn.Module:
    model = BertModel(
        BertConfig(
            vocab_size=50,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=32,
        )
    )
    with torch.no_grad():  # one layer that is mostly zero, which sparse kernels ask for
        layer = model.encoder.layer[0].intermediate.dense
        layer.weight.mul_(torch.rand_like(layer.weight) < 0.1)
    return model


def _nested_inputs() -> tuple[Any, ...]:
    return ({"images": torch.randn(BATCH, 3, 8, 8), "ids": torch.arange(BATCH)},)


def _scale() -> dict[str, Any]:
    return {"scale": torch.rand(BATCH, 1) + 0.5, "normalize": True}


_KINDS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "mlp": (_mlp, lambda: torch.randn(BATCH, 16)),
    "conv": (ConvNet, lambda: torch.randn(BATCH, 3, 16, 16)),
    "encoder": (_encoder, lambda: torch.randn(BATCH, 6, 32)),
    "recurrent": (Recurrent, lambda: torch.randn(BATCH, 5, 8)),
    "bert": (_bert, lambda: {"input_ids": torch.randint(0, 50, (BATCH, 7))}),
}
NAMES = (*_KINDS, "nested")


def workload(name: str, hooked: bool = True) -> Workload:
    """Return a workload, the same at every call and in every process; ``hooked``: with a hook of the user's."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        if name == "nested":
            return _nested(hooked)
        make, inputs = _KINDS[name]
        model = _worn(make(), hooked)
        return Workload.of(model, inputs=inputs(), data=[inputs() for _ in range(4)], name=name)


def _nested(hooked: bool) -> Workload:
    from tauto.workload import Call

    model = _worn(Nested(), hooked)
    calls = tuple(Call(_nested_inputs(), _scale()) for _ in range(5))
    return Workload(model, calls[0], calls[1:], name="nested")


def _worn(model: nn.Module, hooked: bool) -> nn.Module:
    """Give ``model`` what a user's may have: statistics, a gradient, a frozen weight, a hook, mixed modes."""
    for norm in _norms(model):
        norm.running_mean.uniform_(-0.3, 0.3)  # around zero, or the rectifier after it would let nothing through
        norm.running_var.uniform_(0.2, 1.0)
    parameters = list(model.parameters())
    parameters[0].grad = torch.randn_like(parameters[0])
    parameters[-1].requires_grad_(False)
    model.train()
    children = list(model.children())
    children[-1].eval()
    if hooked:
        children[-1].register_forward_hook(_seen)
    return model


def _seen(module: nn.Module, args: Any, output: Any) -> None:
    return None


def _norms(model: nn.Module) -> Iterator[nn.modules.batchnorm._BatchNorm]:
    return (module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))

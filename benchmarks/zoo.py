"""Small models of many kinds, each with what draws its inputs: what a search has to leave no worse than they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.models import Logits, SequenceClassifier, mlp, small_cnn

__all__ = ["ZOO", "Kind"]


@dataclass(frozen=True)
class Kind:
    """A model and what draws its inputs from a generator."""

    make: Callable[[], nn.Module]
    draw: Callable[[torch.Generator], Any]

    def built(self) -> nn.Module:
        """Return the model, the same each time."""
        torch.manual_seed(0)
        return self.make().eval()

    def inputs(self, seed: int = 0) -> Any:
        """Return one call's inputs."""
        return self.draw(torch.Generator().manual_seed(seed))


def _normal(*shape: int) -> Callable[[torch.Generator], torch.Tensor]:
    return lambda generator: torch.randn(*shape, generator=generator)


def _ids(length: int, of: int = 1000) -> Callable[[torch.Generator], torch.Tensor]:
    return lambda generator: torch.randint(of, (1, length), generator=generator)


def _named(name: str, length: int) -> Callable[[torch.Generator], dict[str, torch.Tensor]]:
    draw = _ids(length)
    return lambda generator: {name: draw(generator)}


class Residual(nn.Module):
    """Blocks of linear layers whose input is added to their output."""

    def __init__(self, width: int = 256, depth: int = 4) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(depth)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


class UNet(nn.Module):
    """Down twice and up twice, with what was before joined on."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.inner = nn.ModuleList([_twice(1, width), _twice(width, 2 * width), _twice(2 * width, 4 * width)])
        self.ups = nn.ModuleList(
            [nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), nn.ConvTranspose2d(2 * width, width, 2, 2)]
        )
        self.outer = nn.ModuleList([_twice(4 * width, 2 * width), _twice(2 * width, width)])
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for layer in self.inner[:-1]:
            x = layer(x)
            kept.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.inner[-1](x)
        for up, layer in zip(self.ups, self.outer, strict=True):
            x = layer(torch.cat([up(x), kept.pop()], dim=1))
        return self.head(x)


def _twice(inner: int, outer: int) -> nn.Sequential:
    layers = [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(outer, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU())


class Experts(nn.Module):
    """Each row goes to the one of eight experts that a gate names."""

    def __init__(self, width: int = 128, count: int = 8) -> None:
        super().__init__()
        self.gate = nn.Linear(width, count)
        self.experts = nn.ModuleList(nn.Linear(width, width) for _ in range(count))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        chosen = self.gate(x).argmax(dim=-1)
        result = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            rows = (chosen == index).nonzero().flatten()
            if len(rows):
                result = result.index_add(0, rows, expert(x[rows]))
        return result


class Graph(nn.Module):
    """Sums over the neighbours of 200 nodes, by index."""

    def __init__(self, width: int = 64, nodes: int = 200, edges: int = 1000) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        ends = torch.randint(nodes, (2, edges))
        self.register_buffer("source", ends[0])
        self.register_buffer("target", ends[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            heard = torch.zeros_like(x).index_add(0, self.target, x[self.source])
            x = functional.relu(layer(x + heard))
        return x


class Halting(nn.Module):
    """As many rounds as its data ask for: control flow that nothing can export."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(1 + int(x.abs().mean().item() * 10) % 5):
            x = torch.tanh(self.layer(x))
        return x


class Depthwise(nn.Module):
    """Convolutions of one channel each, and those that mix the channels."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1, groups=width),
                    nn.BatchNorm2d(width),
                    nn.ReLU6(),
                    nn.Conv2d(width, width, 1),
                )
                for _ in range(4)
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.stem(x)).mean(dim=(2, 3))


class Convolved(nn.Module):
    """Convolutions over a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, 32, 9),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Conv1d(32, 64, 9, stride=4),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(8),
            nn.Flatten(),
            nn.Linear(512, 5),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Recurrent(nn.Module):
    """A GRU, or a plain recurrent layer, and its last state."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layer = kind(32, 128, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][:, -1]


class Attentive(nn.Module):
    """Torch's own encoder."""

    def __init__(self, width: int = 128, layers: int = 2) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.encoder(x).mean(dim=1)


class Embedded(nn.Module):
    """A bag of embeddings and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5000, 64)
        self.head = nn.Linear(64, 8)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.table(ids).mean(dim=1))


class Restless(nn.Module):
    """Adds noise to its answer at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + torch.randn(x.shape)


class Pair(nn.Module):
    """Takes two tensors and returns a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sum": self.left(a) + self.right(b), "product": self.left(a) * self.right(b)}


def _of_transformers(name: str, **config: Any) -> Callable[[], nn.Module]:
    """Return what builds a small model of transformers by the names of its configuration."""

    of = config.pop("of", name.removesuffix("Model").removesuffix("ForImageClassification"))

    def made() -> nn.Module:
        import transformers

        model = getattr(transformers, name)(getattr(transformers, f"{of}Config")(**config))
        return Logits(model) if name.endswith("ForImageClassification") else model

    return made


_TEXT: dict[str, Any] = {"vocab_size": 1000, "num_hidden_layers": 2}
_ENCODER: dict[str, Any] = {**_TEXT, "hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 4}
_T5: dict[str, Any] = {"vocab_size": 1000, "num_layers": 2, "d_model": 128, "d_ff": 256, "num_heads": 4, "d_kv": 32}

ZOO: dict[str, Kind] = {
    "linear": Kind(lambda: nn.Linear(16, 4), _normal(1, 16)),
    "mlp": Kind(mlp, _normal(1, 784)),
    "mlp × 64": Kind(mlp, _normal(64, 784)),
    "residual mlp": Kind(Residual, _normal(8, 256)),
    "cnn": Kind(small_cnn, _normal(1, 1, 28, 28)),
    "cnn × 16": Kind(small_cnn, _normal(16, 1, 28, 28)),
    "depthwise cnn": Kind(Depthwise, _normal(1, 3, 64, 64)),
    "signal cnn": Kind(Convolved, _normal(1, 1, 2000)),
    "unet": Kind(UNet, _normal(1, 1, 64, 64)),
    "lstm": Kind(SequenceClassifier, _normal(1, 32, 64)),
    "gru": Kind(lambda: Recurrent(nn.GRU), _normal(1, 32, 32)),
    "rnn": Kind(lambda: Recurrent(nn.RNN), _normal(1, 32, 32)),
    "encoder": Kind(Attentive, _normal(1, 64, 128)),
    "experts": Kind(Experts, _normal(64, 128)),
    "graph": Kind(Graph, _normal(200, 64)),
    "control flow": Kind(Halting, _normal(4, 128)),
    "embedding bag": Kind(Embedded, _ids(50, 5000)),
    "restless": Kind(Restless, _normal(4, 64)),
    "two inputs and a dict": Kind(Pair, lambda generator: tuple(torch.randn(2, 8, 64, generator=generator))),
    "already fast": Kind(lambda: nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), _normal(1, 4)),
    "bert": Kind(_of_transformers("BertModel", **_ENCODER), _named("input_ids", 64)),
    "distilbert": Kind(
        _of_transformers("DistilBertModel", vocab_size=1000, n_layers=2, dim=128, hidden_dim=256, n_heads=4),
        _named("input_ids", 64),
    ),
    "albert": Kind(_of_transformers("AlbertModel", **_ENCODER, embedding_size=64), _named("input_ids", 64)),
    "gpt2": Kind(
        _of_transformers("GPT2Model", vocab_size=1000, n_layer=2, n_embd=128, n_head=4, use_cache=False),
        _named("input_ids", 64),
    ),
    "llama": Kind(_of_transformers("LlamaModel", **_ENCODER, use_cache=False), _named("input_ids", 64)),
    "t5 encoder": Kind(
        _of_transformers("T5EncoderModel", of="T5", **_T5),
        _named("input_ids", 64),
    ),
    "resnet": Kind(
        _of_transformers(
            "ResNetForImageClassification", depths=[1, 1], hidden_sizes=[32, 64], layer_type="basic", embedding_size=32
        ),
        _normal(1, 3, 64, 64),
    ),
    "mobilenet": Kind(
        _of_transformers("MobileNetV2ForImageClassification", depth_multiplier=0.35), _normal(1, 3, 96, 96)
    ),
    "convnext": Kind(
        _of_transformers("ConvNextForImageClassification", depths=[1, 1], hidden_sizes=[32, 64], num_stages=2),
        _normal(1, 3, 64, 64),
    ),
    "vit": Kind(
        _of_transformers(
            "ViTForImageClassification",
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=64,
        ),
        _normal(1, 3, 64, 64),
    ),
}

"""The models that the benchmarks and the demo speak of, at honest sizes, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

__all__ = ["MODELS", "Subject", "bert_base", "mlp", "resnet18"]


@dataclass(frozen=True)
class Subject:
    """A model with its inputs, as a user would have them: keyword arguments for BERT, a tensor otherwise."""

    name: str
    make: Callable[[], nn.Module]
    draw: Callable[[int, int], Any]

    def built(self) -> nn.Module:
        torch.manual_seed(0)
        return self.make().eval()

    def inputs(self, batch: int = 1) -> Any:
        """Return one call's inputs."""
        return self.draw(batch, 0)

    def data(self, samples: int = 64) -> list[Any]:
        """Return varied inputs, one sample each, as a loader would give them."""
        return [self.draw(1, seed) for seed in range(samples)]


class Logits(nn.Module):
    """A transformers vision model that takes an image and returns its scores, as most people's own nets do."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model(pixels).logits


def mlp() -> nn.Module:
    """784-512-512-10."""
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def resnet18() -> nn.Module:
    """ResNet-18, 1,000 classes."""
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], layer_type="basic", num_labels=1000)
    return Logits(ResNetForImageClassification(config))


def bert_base() -> nn.Module:
    """BERT-base, twelve layers of 768."""
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(), add_pooling_layer=False)


def _tokens(batch: int, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1000, 30000, (batch, 128), generator=generator)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _normal(*shape: int) -> Callable[[int, int], torch.Tensor]:
    return lambda batch, seed: torch.randn(batch, *shape, generator=torch.Generator().manual_seed(seed))


MODELS = {
    "mlp": Subject("MLP 784-512-512-10", mlp, _normal(784)),
    "resnet18": Subject("ResNet-18, 224 × 224", resnet18, _normal(3, 224, 224)),
    "bert": Subject("BERT-base, sequence 128", bert_base, _tokens),
}

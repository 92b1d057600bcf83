"""The models that the benchmarks and the demo speak of, at honest sizes, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

__all__ = ["MODELS", "Subject", "bert_base", "mlp", "resnet18", "small_cnn"]


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

    def data(self, samples: int = 64, batch: int = 1) -> list[Any]:
        """Return varied inputs in batches, as a loader would give them."""
        return [self.draw(batch, seed) for seed in range(samples // batch)]


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


def small_cnn() -> nn.Module:
    """Two convolutions and two linear layers, for images of 28 × 28."""
    convolutions = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(32 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 10))


def resnet18() -> nn.Module:
    """ResNet-18, 1,000 classes."""
    return _resnet([2, 2, 2, 2], [64, 128, 256, 512], "basic")


def resnet50() -> nn.Module:
    """ResNet-50, 1,000 classes."""
    return _resnet([3, 4, 6, 3], [256, 512, 1024, 2048], "bottleneck")


def _resnet(depths: list[int], widths: list[int], layer: str) -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(depths=depths, hidden_sizes=widths, layer_type=layer, num_labels=1000)
    return Logits(ResNetForImageClassification(config))


def mobilenet_v2() -> nn.Module:
    """MobileNetV2, 1,000 classes and one for the background."""
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    return Logits(MobileNetV2ForImageClassification(MobileNetV2Config(num_labels=1001)))


def vit_small() -> nn.Module:
    """ViT-S/16: twelve layers of 384, six heads."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(hidden_size=384, intermediate_size=1536, num_attention_heads=6, num_labels=1000)
    return Logits(ViTForImageClassification(config))


class SequenceClassifier(nn.Module):
    """An LSTM over a sequence, and scores from its last state."""

    def __init__(self, width: int = 64, hidden: int = 256, classes: int = 10) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(sequence)[0][:, -1])


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
    "cnn": Subject("small CNN, 28 × 28", small_cnn, _normal(1, 28, 28)),
    "lstm": Subject("LSTM of two layers of 256, 64 steps", SequenceClassifier, _normal(64, 64)),
    "resnet18": Subject("ResNet-18, 224 × 224", resnet18, _normal(3, 224, 224)),
    "resnet50": Subject("ResNet-50, 224 × 224", resnet50, _normal(3, 224, 224)),
    "mobilenet": Subject("MobileNetV2, 224 × 224", mobilenet_v2, _normal(3, 224, 224)),
    "vit": Subject("ViT-S/16, 224 × 224", vit_small, _normal(3, 224, 224)),
    "bert": Subject("BERT-base, sequence 128", bert_base, _tokens),
}

"""FLOPs of seven architectures: TAuto's count, torch's own counter, and the closed form written out by hand.

python -m benchmarks.flops
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import closed_forms
from tauto.profiling import profile_model

__all__ = ["Case", "cases", "counted", "counted_by_torch"]


@dataclass(frozen=True)
class Case:
    """An architecture at some size, what to call it with, and what it costs by hand."""

    name: str
    make: Callable[[], nn.Module]
    draw: Callable[[], torch.Tensor]
    expected: int


class Decoding(nn.Module):
    """Greedy decoding, with a key-value cache or without."""

    def __init__(self, model: nn.Module, tokens: int, cache: bool) -> None:
        super().__init__()
        self.model, self.tokens, self.cache = model, tokens, cache

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        past, given = None, ids
        for _ in range(self.tokens):
            out = self.model(given, past_key_values=past, use_cache=self.cache)
            best = out.logits[:, -1].argmax(-1, keepdim=True)
            ids = torch.cat([ids, best], 1)
            past, given = (out.past_key_values, best) if self.cache else (None, ids)
        return ids


class Last(nn.Module):
    """An LSTM, classified by its last step."""

    def __init__(self, width: int, hidden: int, layers: int, labels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, labels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def _mlp(widths: tuple[int, ...], batch: int) -> Case:
    def make() -> nn.Module:
        layers: list[nn.Module] = []
        for one, two in itertools.pairwise(widths):
            layers += [nn.Linear(one, two), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return Case("MLP", make, lambda: torch.randn(batch, widths[0]), closed_forms.mlp(batch, widths))


def _resnet(image: int, depths: tuple[int, ...], widths: tuple[int, ...], labels: int) -> Case:
    def make() -> nn.Module:
        from transformers import ResNetConfig, ResNetForImageClassification

        config = ResNetConfig(depths=list(depths), hidden_sizes=list(widths), num_labels=labels)
        return ResNetForImageClassification(config)

    expected = closed_forms.resnet(1, image, depths, widths, labels)
    return Case("ResNet-50", make, lambda: torch.randn(1, 3, image, image), expected)


def _mobilenet(image: int, labels: int) -> Case:
    def make() -> nn.Module:
        from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

        return MobileNetV2ForImageClassification(MobileNetV2Config(image_size=image, num_labels=labels))

    expected = closed_forms.mobilenet_v2(1, image, labels)
    return Case("MobileNetV2", make, lambda: torch.randn(1, 3, image, image), expected)


def _vit(image: int, patch: int, width: int, layers: int, heads: int, inner: int, labels: int) -> Case:
    def make() -> nn.Module:
        from transformers import ViTConfig, ViTForImageClassification

        config = ViTConfig(
            image_size=image, patch_size=patch, hidden_size=width, num_hidden_layers=layers,
            num_attention_heads=heads, intermediate_size=inner, num_labels=labels,
        )  # fmt: skip
        return ViTForImageClassification(config)

    expected = closed_forms.vit(1, image, patch, width, layers, heads, inner, labels)
    return Case("ViT", make, lambda: torch.randn(1, 3, image, image), expected)


def _bert(length: int, width: int, layers: int, heads: int, inner: int) -> Case:
    def make() -> nn.Module:
        from transformers import BertConfig, BertModel

        config = BertConfig(
            hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner
        )
        return BertModel(config, add_pooling_layer=False)

    expected = closed_forms.bert(1, length, width, layers, heads, inner)
    return Case("BERT", make, lambda: torch.randint(0, 30000, (1, length)), expected)


def _gpt2(prompt: int, tokens: int, cache: bool, width: int, layers: int, heads: int, vocabulary: int) -> Case:
    def make() -> nn.Module:
        from transformers import GPT2Config, GPT2LMHeadModel

        config = GPT2Config(
            n_embd=width, n_layer=layers, n_head=heads, vocab_size=vocabulary, bos_token_id=0, eos_token_id=0
        )
        return Decoding(GPT2LMHeadModel(config), tokens, cache)

    expected = closed_forms.decoding(prompt, tokens, cache, width, layers, heads, vocabulary)
    name = f"GPT-2, {'with' if cache else 'without'} cache"
    return Case(name, make, lambda: torch.randint(0, vocabulary, (1, prompt)), expected)


def _lstm(batch: int, steps: int, width: int, hidden: int, layers: int, labels: int) -> Case:
    expected = closed_forms.lstm(batch, steps, width, hidden, layers, labels)
    return Case("LSTM", lambda: Last(width, hidden, layers, labels), lambda: torch.randn(batch, steps, width), expected)


def cases(small: bool = False) -> Iterator[Case]:
    """Yield the architectures at their known sizes, or at small ones of the same structure."""
    yield _mlp((78, 52, 52, 10) if small else (784, 512, 512, 10), 4)
    yield (
        _resnet(64, (1, 2, 2, 1), (64, 128, 256, 512), 10)
        if small
        else _resnet(224, (3, 4, 6, 3), (256, 512, 1024, 2048), 1000)
    )
    yield _mobilenet(64, 10) if small else _mobilenet(224, 1000)
    yield _vit(32, 8, 64, 2, 4, 128, 10) if small else _vit(224, 16, 768, 12, 12, 3072, 1000)
    yield _bert(32, 64, 2, 4, 128) if small else _bert(128, 768, 12, 12, 3072)
    for cache in (True, False):
        yield _gpt2(16, 4, cache, 64, 2, 4, 500) if small else _gpt2(64, 8, cache, 768, 12, 12, 50257)
    yield _lstm(4, 12, 16, 24, 2, 10) if small else _lstm(8, 50, 128, 256, 2, 10)


def counted(case: Case) -> int:
    """Return TAuto's count of one call."""
    torch.manual_seed(0)
    model, given = case.make().eval(), case.draw()
    with torch.inference_mode():
        return profile_model(model, (given,), calls=2).report.flops


def counted_by_torch(case: Case) -> int:
    """Return what :class:`torch.utils.flop_counter.FlopCounterMode` counts of one call."""
    torch.manual_seed(0)
    model, given = case.make().eval(), case.draw()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(given)
    return int(counter.get_total_flops())


def main() -> None:
    """Print one row an architecture."""
    print("| model | closed form, GFLOP | TAuto | off by | torch's counter | off by | profiled in |")
    print("|---|---|---|---|---|---|---|")
    for case in cases():
        began = time.perf_counter()
        ours = counted(case)
        took = time.perf_counter() - began
        theirs = counted_by_torch(case)
        off = [f"{100 * (found / case.expected - 1):+.3f} %" for found in (ours, theirs)]
        print(
            f"| {case.name} | {case.expected / 1e9:.4f} | {ours / 1e9:.4f} | {off[0]} | {theirs / 1e9:.4f} | {off[1]} "
            f"| {took:.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""A small decoder written by hand, with a cache that grows and one of fixed room; and tiny ones of transformers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tauto

VOCABULARY, WIDTH, HEADS, CONTEXT = 50, 16, 2, 128


class Block(nn.Module):
    """Attention and a small network, each beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.grow, self.shrink = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor, places: Tensor, cache: Any) -> tuple[Tensor, Any]:
        batch, new, width = x.shape
        q, k, v = (part.view(batch, new, HEADS, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if isinstance(cache, list):  # of fixed room
            cache[0].index_copy_(2, places, k)
            cache[1].index_copy_(2, places, v)
            k, v = cache
        elif cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        seen = torch.arange(k.shape[2], device=x.device) <= places[:, None]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        x = x + self.out(y.transpose(1, 2).reshape(batch, new, width))
        return x + self.shrink(F.gelu(self.grow(x))), cache if isinstance(cache, list) else (k, v)


class Small(nn.Module):
    """Text in, logits out; in inference only those of the last place, as nanoGPT does."""

    def __init__(self, layers: int = 2) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        return self.step(ids, None)[0]

    def step(self, ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
        start, layers = cache if cache is not None else (torch.tensor(0), [None] * len(self.blocks))
        places = torch.arange(ids.shape[1]) + start
        x, kept = self.tokens(ids) + self.places(places), []
        for block, layer in zip(self.blocks, layers, strict=True):
            x, layer = block(x, places, layer)
            kept.append(layer)
        return self.head(x[:, -1:]), (start + ids.shape[1], kept)


def step(model: Small, ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
    return model.step(ids, cache)


def fixed_room(model: Small, batch: int, length: int) -> Any:
    shape = (batch, HEADS, length, WIDTH // HEADS)
    like = model.head.weight
    return torch.tensor(0), [[like.new_zeros(shape), like.new_zeros(shape)] for _ in model.blocks]


def small(layers: int = 2) -> Small:
    torch.manual_seed(0)
    made = Small(layers)
    with torch.no_grad():  # so that a text does not repeat one token
        made.tokens.weight.mul_(2)
        made.head.weight.mul_(8)
    return made.eval()


def growing(layers: int = 2) -> tauto.Decoder:
    return tauto.Decoder(small(layers), step, context=CONTEXT)


def static(layers: int = 2) -> tauto.Decoder:
    return tauto.Decoder(small(layers), step, fixed_room, context=CONTEXT)


def prompt(batch: int = 2, length: int = 5) -> Tensor:
    return torch.randint(2, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(1))


def hugging(kind: str = "gpt2") -> Any:
    """A tiny model of transformers whose text varies."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    ends = {"bos_token_id": 0, "eos_token_id": 1, "vocab_size": VOCABULARY, "initializer_range": 0.4}
    if kind == "gpt2":
        return GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=WIDTH, n_positions=CONTEXT, **ends)).eval()
    config = LlamaConfig(
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        hidden_size=WIDTH,
        intermediate_size=32,
        max_position_embeddings=CONTEXT,
        **ends,
    )
    return LlamaForCausalLM(config).eval()

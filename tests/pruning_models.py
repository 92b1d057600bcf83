"""Small models that are hard to prune, each for a reason of its own."""

from __future__ import annotations

import itertools

import torch
from torch import nn


class Viewed(nn.Module):
    """``d`` has its width written into the forward pass; ``c`` and ``fc`` have not."""

    def __init__(self):
        super().__init__()
        self.c, self.d = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.fc, self.out = nn.Linear(32 * 16, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(self.d(self.c(x).relu()).relu(), 4)
        return self.out(self.fc(x.view(-1, 32 * 16)).relu())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.n = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.b, self.m = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x):
        return (x + self.m(self.b(self.n(self.a(x)).relu()))).relu()


class ResNet(nn.Module):
    def __init__(self, width=32, blocks=4):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(blocks)])
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class Joined(nn.Module):
    """A concatenation, a depthwise convolution and norms in groups."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(3, 32, 3, padding=1)
        self.deep = nn.Conv2d(48, 48, 3, groups=48, padding=1)
        self.c, self.norm, self.head = nn.Conv2d(48, 32, 1), nn.GroupNorm(4, 32), nn.Linear(32, 5)

    def forward(self, x):
        both = self.deep(torch.cat([self.a(x), self.b(x)], 1)).relu()
        return self.head(self.norm(self.c(both)).relu().mean((2, 3)))


class InGroups(nn.Module):
    """A convolution in groups, and a depthwise one after another layer."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1, groups=4)
        self.c, self.deep = nn.Conv2d(16, 16, 1), nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.deep(self.c(self.b(self.a(x)).relu())).relu().mean((2, 3)))


class Flip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.flip(1)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.flip(1)


class Flipped(nn.Module):
    """Channels leave ``a`` in another order than they reach ``b``, and no tracing sees it."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x):
        return self.c(self.b(Flip.apply(self.a(x)).relu()).relu())


class Rotated(nn.Module):
    """Channels of ``a`` change places, as queries do that tell positions by a rotation, and meet the others again."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x):
        x = self.a(x)
        turned = torch.cat([-x[..., 16:], x[..., :16]], -1)
        return self.c(self.b(0.6 * x + 0.8 * turned).relu())


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.c(self.b(self.a(self.a(x).relu()).relu()).relu())


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.r = nn.Linear(8, 32), nn.GRU(32, 32, batch_first=True)
        self.f, self.h = nn.Linear(32, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.h(self.f(self.r(self.e(x))[0][:, -1]).relu())


class Attention(nn.Module):
    """Queries, keys and values made at once; the heads lie in one of three ways."""

    def __init__(self, style, width=32, heads=4):
        super().__init__()
        self.style, self.num_heads, self.head_dim = style, heads, width // heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, words, width = x.shape
        qkv = self.qkv(x)
        if self.style == "interleaved":
            parts = qkv.reshape(batch, words, self.num_heads, 3, self.head_dim).permute(3, 0, 2, 1, 4)
        else:
            size = width // self.num_heads if self.style == "of the input" else self.head_dim
            parts = qkv.reshape(batch, words, 3, self.num_heads, size).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(*parts.unbind(0))
        return self.proj(mixed.transpose(1, 2).reshape(batch, words, -1))


class Layer(nn.Module):
    def __init__(self, style):
        super().__init__()
        self.n, self.m, self.attn = nn.LayerNorm(32), nn.LayerNorm(32), Attention(style)
        self.up, self.down = nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x, scale=1.0):
        x = x + self.attn(self.n(x))
        return x + scale * self.down(nn.functional.gelu(self.up(self.m(x))))


class Encoder(nn.Module):
    """Torch's own encoder, over words that may be padded."""

    def __init__(self, **keywords):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, **keywords)
        self.emb, self.encoder = (
            nn.Embedding(50, 32),
            nn.TransformerEncoder(layer, 2, enable_nested_tensor=not keywords),
        )
        self.head = nn.Linear(32, 50)

    def forward(self, words, padding=None):
        return self.head(self.encoder(self.emb(words), src_key_padding_mask=padding))


class Translator(nn.Module):
    """Torch's own decoder, words first."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerDecoderLayer(32, 4, 64)
        self.emb, self.decoder, self.head = nn.Embedding(50, 32), nn.TransformerDecoder(layer, 2), nn.Linear(32, 50)

    def forward(self, words):
        embedded = self.emb(words.T)
        mask = nn.Transformer.generate_square_subsequent_mask(len(embedded))
        return self.head(self.decoder(embedded, embedded, tgt_mask=mask)).transpose(0, 1)


class Grouped(nn.Module):
    """Eight heads of queries, of which ``shared`` look with one key and one value."""

    def __init__(self, shared=2):
        super().__init__()
        self.num_heads, self.num_key_value_heads, self.head_dim = 8, 8 // shared, 4
        self.q_proj, self.o_proj = nn.Linear(32, 32), nn.Linear(32, 32)
        self.k_proj, self.v_proj = (nn.Linear(32, 32 // shared) for _ in range(2))

    def forward(self, x):
        heads = (self.num_heads, self.num_key_value_heads, self.num_key_value_heads)
        layers = (self.q_proj, self.k_proj, self.v_proj)
        parts = [layer(x).unflatten(-1, (count, 4)).transpose(1, 2) for layer, count in zip(layers, heads, strict=True)]
        mixed = nn.functional.scaled_dot_product_attention(*parts, enable_gqa=True)
        return x + self.o_proj(mixed.transpose(1, 2).flatten(2))


class Words(nn.Module):
    """A language model whose output layer is its embedding."""

    def __init__(self, style="separate"):
        super().__init__()
        self.emb, self.ln, self.head = nn.Embedding(50, 32), nn.LayerNorm(32), nn.Linear(32, 50, bias=False)
        self.layers = nn.ModuleList([Layer(style) for _ in range(3)])
        self.head.weight = self.emb.weight

    def forward(self, words):
        x = self.emb(words)
        for layer in self.layers:
            x = layer(x, scale=0.5)
        return self.head(self.ln(x))


def plain(*widths):
    """Return linear layers with rectifiers between."""
    layers = [layer for one, two in itertools.pairwise(widths) for layer in (nn.Linear(one, two), nn.ReLU())]
    return nn.Sequential(*layers[:-1])

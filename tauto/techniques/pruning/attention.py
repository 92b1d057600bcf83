"""Attention as torch's own, with heads × their width apart from the model's width: what is left of one after pruning.

It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["NarrowAttention", "narrowed", "why_not_narrowed"]


class NarrowAttention(nn.MultiheadAttention):
    """``nn.MultiheadAttention`` in which the heads together need not be as wide as the model.

    It is called in the same way, returns the same, and its tensors bear the same names: ``in_proj_weight`` (or
    ``q_proj_weight``, ``k_proj_weight``, ``v_proj_weight``), ``in_proj_bias`` and ``out_proj``.

    Parameters
    ----------
    embed_dim : int
        Width of the queries and of what is returned.
    num_heads, head_dim : int
        How many heads there are, and how wide each is.
    dropout : float
        Share of the attention weights that is dropped in training.
    bias : bool
        Of the projections.
    kdim, vdim : int, optional
        Widths of keys and values; ``embed_dim`` where they are not given.
    batch_first : bool
        Whether inputs are ``(batch, words, width)`` and not ``(words, batch, width)``.

    Examples
    --------
    >>> narrow = NarrowAttention(64, num_heads=3, head_dim=8, batch_first=True)
    >>> words = torch.randn(2, 10, 64)
    >>> narrow(words, words, words, need_weights=False)[0].shape
    torch.Size([2, 10, 64])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        head_dim: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        nn.Module.__init__(self)  # torch's own constructor ties the widths to each other
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, head_dim
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.dropout, self.batch_first = dropout, batch_first
        # torch's encoder layer asks for this before it computes with our weights by itself, as if they were whole
        self._qkv_same_embed_dim = False
        self.bias_k = self.bias_v = None
        self.add_zero_attn = False
        inner, packed = num_heads * head_dim, self.kdim == self.vdim == embed_dim
        widths = {"in_proj_weight": embed_dim} if packed else {}
        if not packed:
            widths = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            rows = 3 * inner if packed else inner
            weight = nn.Parameter(torch.empty(rows, widths[name])) if name in widths else None
            self.register_parameter(name, weight)
            if weight is not None:
                nn.init.xavier_uniform_(weight)
        self.register_parameter("in_proj_bias", nn.Parameter(torch.zeros(3 * inner)) if bias else None)
        self.out_proj = nn.Linear(inner, embed_dim, bias=bias)  # type: ignore[assignment]

    @property
    def bias(self) -> Tensor | None:
        """The bias of the projections, where they have one."""
        return self.in_proj_bias

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return what is attended to and, with ``need_weights``, the weights, as ``nn.MultiheadAttention`` does."""
        if query.is_nested:  # torch's encoder packs what is padded
            whole = query.to_padded_tensor(0.0)
            there = torch.nested.to_padded_tensor(torch.ones_like(query), 0.0)[..., 0] > 0
            found, weights = self.forward(whole, whole, whole, ~there, need_weights)
            return torch._nested_tensor_from_mask(found, there), weights
        if query.dim() == 2:
            batch = 0 if self.batch_first else 1
            one, two, three = (part.unsqueeze(batch) for part in (query, key, value))
            padding = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
            asked = (padding, need_weights, attn_mask, average_attn_weights, is_causal)
            found, weights = self.forward(one, two, three, *asked)
            return found.squeeze(batch), None if weights is None else weights.squeeze(0)
        queries, keys, values = self._projected(query, key, value)
        if is_causal and attn_mask is None:
            raise RuntimeError("is_causal is a hint about attn_mask: give both.")
        hint = is_causal and key_padding_mask is None and not need_weights
        mask = None if hint else self._mask(attn_mask, key_padding_mask, queries)
        dropout, weights = self.dropout if self.training else 0.0, None
        if need_weights:
            products = queries @ keys.mT / self.head_dim**0.5
            weights = (products if mask is None else products + mask).softmax(-1)
            mixed = nn.functional.dropout(weights, dropout) @ values
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            mixed = nn.functional.scaled_dot_product_attention(
                queries, keys, values, attn_mask=mask, dropout_p=dropout, is_causal=hint
            )
        mixed = mixed.transpose(1, 2).flatten(2)  # (batch, words, heads × their width)
        return self.out_proj(mixed if self.batch_first else mixed.transpose(0, 1)), weights

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """Return queries, keys and values as ``(batch, heads, words, width of a head)``."""
        shape = (self.num_heads, self.head_dim)
        if self.in_proj_weight is not None and query is key is value:
            packed = nn.functional.linear(query, self.in_proj_weight, self.in_proj_bias)
            packed = torch.unflatten(packed, -1, (3, *shape))
            found = [packed.select(-3, part) for part in range(3)]
        else:
            own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            rows = own if self.in_proj_weight is None else self.in_proj_weight.chunk(3)
            biases = (None, None, None) if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
            parts = map(nn.functional.linear, (query, key, value), rows, biases)
            found = [torch.unflatten(part, -1, shape) for part in parts]
        return [part.transpose(1, 2) if self.batch_first else part.permute(1, 2, 0, 3) for part in found]

    def _mask(self, attn_mask: Tensor | None, padding: Tensor | None, queries: Tensor) -> Tensor | None:
        """Return what is added to the products of queries and keys; minus infinity where nothing is looked at."""

        def added(mask: Tensor) -> Tensor:
            if mask.dtype != torch.bool:
                return mask.to(queries.dtype)
            return torch.zeros_like(mask, dtype=queries.dtype).masked_fill(mask, float("-inf"))

        found = None
        if attn_mask is not None:
            found = added(attn_mask)
            if found.dim() == 3:  # (batch × heads, words, words)
                found = torch.unflatten(found, 0, (-1, self.num_heads))
        if padding is not None:
            there = added(padding)[:, None, None, :]
            found = there if found is None else found + there
        return found


def why_not_narrowed(module: nn.MultiheadAttention) -> str:
    """Return why the heads of ``module`` cannot be pruned; "" when they can."""
    if module.bias_k is not None or module.add_zero_attn:
        return "it adds a key and a value of its own (add_bias_kv, add_zero_attn)"
    if module._forward_hooks or module._forward_pre_hooks:
        return "it has hooks, which what takes its place would not have"
    if type(module) not in (nn.MultiheadAttention, NarrowAttention):
        return f"{type(module).__name__} is a class of its own, whose forward pass is not known"
    return ""


def narrowed(module: nn.MultiheadAttention, kept: list[int]) -> NarrowAttention:
    """Return what takes the place of ``module`` with the ``kept`` heads alone; ``module`` stays as it is.

    Examples
    --------
    >>> whole = nn.MultiheadAttention(64, 8)
    >>> narrowed(whole, [0, 5, 7]).in_proj_weight.shape
    torch.Size([72, 64])
    """
    with torch.device("meta"):
        found = NarrowAttention(
            module.embed_dim,
            len(kept),
            module.head_dim,
            module.dropout,
            module.in_proj_bias is not None,
            module.kdim,
            module.vdim,
            module.batch_first,
        )
    rows = (torch.tensor(kept)[:, None] * module.head_dim + torch.arange(module.head_dim)).flatten()
    rows = rows.to(module.out_proj.weight.device)
    for name, parameter in module.named_parameters(recurse=False):
        parts = 3 if name.startswith("in_proj") else 1
        taken = torch.cat([part.detach()[rows] for part in parameter.chunk(parts)])
        setattr(found, name, nn.Parameter(taken, parameter.requires_grad))
    out = module.out_proj
    found.out_proj.weight = nn.Parameter(out.weight.detach()[:, rows], out.weight.requires_grad)
    if out.bias is not None:
        found.out_proj.bias = nn.Parameter(out.bias.detach().clone(), out.bias.requires_grad)
    return found.train(module.training)

"""What makes text: a model of transformers, or one of the user's own with a small adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, a_kind

__all__ = ["Decoder", "NewCache", "Step", "context_of", "is_generative", "last_logits"]

Step = Callable[[nn.Module, Tensor, Any], tuple[Tensor, Any]]
NewCache = Callable[[nn.Module, int, int], Any]
_CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "block_size")


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder of one's own, and how its cache is used.

    The functions take the model as an argument, since ways in lower precision call them with another one.

    Parameters
    ----------
    model : torch.nn.Module
        ``model(ids)`` returns logits of shape (batch, length, vocabulary) or (batch, 1, vocabulary) for ids of shape
        (batch, length): alone, first of a tuple, or as ``.logits``.
    step : callable, optional
        ``step(model, ids, cache) -> (logits, cache)`` reads only the new ids, with what the cache knows of those
        before. The whole prompt comes first, then one token at a time. Without it, no way has a cache.
    new_cache : callable, optional
        ``new_cache(model, batch, length)`` makes a cache with room for ``length`` tokens, in the model's precision and
        on its device; ``step`` writes into it. Shapes must not change, and a position is a tensor, not an int, so that
        the step can be compiled once. Without it ``step`` is first called with ``None``, and its cache may grow.
    context : int, optional
        The most tokens, prompt included, that the model can read; default what ``model.config`` says, if anything.

    Examples
    --------
    >>> decoder = tauto.Decoder(model, step=lambda model, ids, cache: model(ids, cache))  # doctest: +SKIP
    >>> tauto.decode(decoder, prompt)  # doctest: +SKIP
    """

    model: nn.Module
    step: Step | None = None
    new_cache: NewCache | None = None
    context: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise InvalidArgument(f"model: {a_kind(self.model)} is not a torch.nn.Module.")
        for name in ("step", "new_cache"):
            if (given := getattr(self, name)) is not None and not callable(given):
                raise InvalidArgument(f"{name}: {a_kind(given)} cannot be called.")
        if self.new_cache is not None and self.step is None:
            raise InvalidArgument("step: new_cache makes a cache, and nothing uses it. Give step(model, ids, cache).")


def is_generative(model: nn.Module) -> bool:
    """Return whether ``model`` is one of transformers that generates."""
    return callable(getattr(model, "generate", None)) and hasattr(model, "generation_config")


def context_of(decoder: Decoder) -> int | None:
    """Return the most tokens that the model can read, as it says itself; None when it does not."""
    if decoder.context is not None:
        return decoder.context
    config = getattr(decoder.model, "config", None)
    found = (getattr(config, name, None) for name in _CONTEXTS)
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def last_logits(outputs: Any) -> Tensor:
    """Return the logits for the next token, of shape (batch, vocabulary).

    Raises
    ------
    ModelError
        When there are none in what the model returned.
    """
    found = getattr(outputs, "logits", None)
    if found is None and isinstance(outputs, Mapping):
        found = outputs.get("logits")
    if found is None:
        found = outputs[0] if isinstance(outputs, tuple | list) and outputs else outputs
    if not isinstance(found, Tensor) or found.ndim not in (2, 3) or not found.is_floating_point():
        raise ModelError(
            "model: it returns no logits. It must answer ids of shape (batch, length) with logits of shape "
            "(batch, length, vocabulary): alone, first of a tuple, or as .logits."
        )
    return found[:, -1] if found.ndim == 3 else found

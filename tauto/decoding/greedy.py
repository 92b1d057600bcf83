"""Greedy decoding of a user's own decoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tauto.decoding.compiled_step import CompiledStep
from tauto.decoding.decoder import Decoder, last_logits
from tauto.decoding.generation import Watch
from tauto.decoding.way import Way
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.workload import Call

__all__ = ["OwnGenerator", "StepModule"]


class StepModule(nn.Module):
    """A decoder's step as a module, to be compiled."""

    def __init__(self, decoder: Decoder, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._step = decoder.step

    def forward(self, ids: Tensor, cache: Any) -> Any:
        """Return the step's logits and cache."""
        assert self._step is not None
        return self._step(self.model, ids, cache)


class OwnGenerator:
    """A user's decoder in one way.

    Parameters
    ----------
    decoder : Decoder
        Its step and how its cache is made.
    model : torch.nn.Module
        What is called: the decoder's own model, or a copy in another precision.
    way : Way
        How.
    room : int
        Tokens that a static cache has room for, prompt included.
    compiled : CompiledStep, optional
        The step for one token, where the way is compiled.
    """

    def __init__(
        self, decoder: Decoder, model: nn.Module, way: Way, room: int, compiled: CompiledStep | None = None
    ) -> None:
        self._decoder, self._model, self._way, self._room = decoder, model, way, room
        self._compiled = compiled
        self._last: Any = None

    def generate(self, call: Call, tokens: int, watch: Watch | None = None) -> Tensor:
        """Return the prompt and ``tokens`` greedy tokens."""
        text = ids_of(call)
        if self._way.cache == "static" and text.shape[1] + tokens > self._room:
            raise InvalidArgument(
                f"max_new_tokens: the static cache has room for {self._room} tokens, and {text.shape[1]} of the prompt "
                f"with {tokens} new ones are more. Ask for fewer, or run tauto.decode with lengths up to it."
            )
        with torch.inference_mode(False), torch.no_grad():
            if watch is not None:
                watch.start()
            self._last = self._new_cache(text)
            new = text
            for _ in range(tokens):
                scores = self._scores(text, new).float()
                new = (scores if watch is None else watch.choose(scores)).argmax(-1, keepdim=True)
                text = torch.cat([text, new], 1)
                if watch is not None:
                    watch.token(new[:, 0].cpu())
        return text

    def prepare(self, call: Call) -> None:
        """Compile the step for prompts of this batch size."""
        if self._compiled is not None:
            with self._compiled.preparing():
                self.generate(call, 2)

    def cache(self) -> Any:
        """Return the cache of the last generation."""
        return self._last

    def _new_cache(self, text: Tensor) -> Any:
        if self._way.cache != "static":
            return None
        assert self._decoder.new_cache is not None
        return self._decoder.new_cache(self._model, text.shape[0], self._room)

    def _scores(self, text: Tensor, new: Tensor) -> Tensor:
        if self._way.cache == "none":
            return last_logits(self._model(text))
        step = self._decoder.step
        assert step is not None
        if self._compiled is not None and new.shape[1] == 1:
            answer = self._compiled(new, self._last)
        else:
            answer = step(self._model, new, self._last)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise CandidateFailed("step returned no pair: it must return (logits, cache)")
        logits, self._last = answer
        return last_logits(logits)


def ids_of(call: Call) -> Tensor:
    """Return the prompt: the one tensor of whole numbers that the call holds.

    Raises
    ------
    InvalidArgument
        When it is not of shape (batch, length).
    """
    ids = call.kwargs.get("input_ids", call.args[0] if call.args else None)
    if not isinstance(ids, Tensor) or ids.ndim != 2 or ids.is_floating_point() or not ids.numel():
        raise InvalidArgument(
            "inputs: a prompt is a tensor of token ids of shape (batch, length), such as torch.tensor([[464, 2068]])."
        )
    return ids

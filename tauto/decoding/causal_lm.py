"""Greedy decoding of a model of transformers, by its own ``generate``."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

from tauto.decoding.compiled_step import CompiledStep
from tauto.decoding.generation import Watch
from tauto.decoding.greedy import ids_of
from tauto.decoding.way import Way
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.workload import Call

__all__ = ["PlainForward", "TransformersGenerator"]


class PlainForward(nn.Module):
    """A model's own ``forward``, whatever stands on the instance in its place."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the class's ``forward`` returns."""
        return type(self.model).forward(self.model, *args, **kwargs)


class TransformersGenerator:
    """A model of transformers in one way.

    Parameters
    ----------
    model : torch.nn.Module
        The model, or a copy in another precision. A compiled way replaces ``forward`` on this instance.
    way : Way
        How.
    room : int
        Tokens that a static cache has room for, prompt included.
    compiled : CompiledStep, optional
        The step for one token, where the way is compiled.
    plain : bool
        Whether ``generate`` chooses the cache by itself, as it does for the user.
    """

    def __init__(
        self, model: nn.Module, way: Way, room: int, compiled: CompiledStep | None = None, *, plain: bool = False
    ) -> None:
        self._model: Any = model
        self._way, self._room, self._plain = way, room, plain
        self._compiled = compiled
        self._last: Any = None
        self._batch = 0
        if compiled is not None:
            model.forward = _dispatched(model.forward, compiled)

    def generate(self, call: Call, tokens: int, watch: Watch | None = None) -> Tensor:
        """Return what ``model.generate`` returns: the prompt and the new tokens."""
        keywords = self._cached(call, tokens) | {"max_new_tokens": tokens, "do_sample": False, "num_beams": 1}
        if watch is not None:
            # exactly so many, whatever the end-of-text token says: each way makes the same number
            keywords |= {"min_new_tokens": tokens, "streamer": _Streamer(watch)}
            if watch.forced is not None:
                keywords["logits_processor"] = _processors(watch)
            watch.start()
        with torch.inference_mode(False), torch.no_grad():
            made: Tensor = self._model.generate(*call.args, **call.kwargs, **keywords)
        return made

    def prepare(self, call: Call) -> None:
        """Compile the step for prompts of this batch size."""
        if self._compiled is not None:
            with self._compiled.preparing():
                self.generate(call, 2, Watch())

    def cache(self) -> Any:
        """Return the cache of the last generation, as far as it is known here: a static one."""
        return self._last

    def _cached(self, call: Call, tokens: int) -> dict[str, Any]:
        if self._plain:
            return {}
        if self._way.cache == "none":
            return {"use_cache": False}
        if self._way.cache == "static":
            return {"use_cache": True, "past_key_values": self._static(call, tokens)}
        from transformers import DynamicCache

        self._last = DynamicCache(config=self._model.config)
        return {"use_cache": True, "past_key_values": self._last}

    def _static(self, call: Call, tokens: int) -> Any:
        from transformers import StaticCache

        batch, length = ids_of(call).shape
        if length + tokens > self._room:
            raise InvalidArgument(
                f"max_new_tokens: the static cache has room for {self._room} tokens, and {length} of the prompt with "
                f"{tokens} new ones are more. Ask for fewer, or run tauto.decode with lengths up to it."
            )
        if self._last is None or self._batch != batch:
            if getattr(self._model.config, "is_encoder_decoder", False):
                raise CandidateFailed("a model with an encoder needs a second cache, which is not made here")
            self._last, self._batch = StaticCache(config=self._model.config, max_cache_len=self._room), batch
        self._last.reset()  # compiled code knows this cache by its address, so that it is kept
        return self._last


class _Streamer:
    """Hears each token as ``generate`` makes it; the prompt comes first."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._begun = False

    def put(self, value: Tensor) -> None:
        if self._begun:
            self._watch.token(value)
        self._begun = True

    def end(self) -> None:
        pass


def _processors(watch: Watch) -> Any:
    from transformers import LogitsProcessor, LogitsProcessorList

    class Forced(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped where it is not installed
        def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
            del input_ids
            return watch.choose(scores)

    return LogitsProcessorList([Forced()])


def _dispatched(forward: Any, compiled: CompiledStep) -> Any:
    """Return a ``forward`` that sends calls of one new token to the compiled step."""

    @functools.wraps(forward)  # generate reads the signature
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        ids = kwargs.get("input_ids")
        one = isinstance(ids, Tensor) and ids.shape[1] == 1
        return compiled(*args, **kwargs) if one else forward(*args, **kwargs)

    return dispatch

"""Find the fastest way in which a model makes text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from tauto.config import parse_duration
from tauto.decoding import WAYS, Decoder, Way, context_of, is_generative, way_named
from tauto.decoding.decoder import last_logits
from tauto.decoding.greedy import ids_of
from tauto.errors import Interrupted, InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel
from tauto.results import DecodingResult
from tauto.tuning.budget import Budget
from tauto.tuning.decoding import Decoding, DecodingPlan
from tauto.verbs.compare import check_call
from tauto.verbs.delivery import deliver
from tauto.verbs.targets import parse_factor
from tauto.workload import Workload
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["LENGTHS", "decode"]

LENGTHS = (25, 50, 100, 200)
LONGEST = 100_000


def decode(
    model: nn.Module | Decoder,
    inputs: Any = None,
    *,
    lengths: Sequence[int] | str | None = None,
    ways: Sequence[str] | str | None = None,
    target: str | float | None = None,
    min_agreement: float | None = None,
    budget: str | float = "5min",
    name: str | None = None,
) -> DecodingResult:
    """Measure how fast a model makes text, and return it in the way that is fastest and makes the same text.

    Each way runs in a process of its own: with and without a key-value cache, dynamic or static, compiled, in lower
    precision. Told are the time to the first token (TTFT) and the tokens a second at each length, the prompt's reading
    included; how many tokens are the original's; and what a cache brings over none. Decoding is greedy. The fastest
    way is timed against the original once more, in turn, and kept only when it is faster beyond doubt.

    Parameters
    ----------
    model : torch.nn.Module or Decoder
        A model of transformers that generates; any other that answers ids of shape (batch, length) with logits of
        shape (batch, length, vocabulary); or a :class:`tauto.Decoder`, which says how its cache is used.
    inputs : Tensor of shape (batch, length), or a dict
        The prompt's token ids, or what ``model.generate`` takes by name.
    lengths : sequence of int, or str, optional
        Numbers of new tokens, such as ``"25,400"``; default 25, 50, 100 and 200, as far as the model's context goes.
    ways : sequence of str, or str, optional
        What is tried beside the original, such as ``"none,static-compiled"``; default all.
    target : str or float, optional
        A speedup by a cache, such as ``"10x"``, of which the report says at which length it is reached.
    min_agreement : float, optional
        From 0 to 1. Without it a way is right when its greedy tokens are all the original's. With it, when at least
        this share of its next tokens is, given one same text: what lower precision can be held to.
    budget : str or float
        Time that it may take, such as ``"5min"`` or seconds.
    name : str, optional
        What the model is called in the report; default its class.

    Raises
    ------
    InvalidArgument, ModelError, NotTransferable
        One clear line when something given cannot be used, or the model cannot generate.
    Interrupted
        When stopped, with what was measured as the error's ``result``.

    Examples
    --------
    >>> found = tauto.decode(model, prompt, lengths=(25, 100, 400))  # doctest: +SKIP
    >>> found.generate(prompt, max_new_tokens=50)  # doctest: +SKIP
    >>> print(found.script())  # doctest: +SKIP
    """
    if isinstance(model, OptimizedModel):
        model = model.module
    decoder = model if isinstance(model, Decoder) else Decoder(model)
    workload = Workload.of(decoder.model, inputs=inputs, name=name)
    chosen = _ways(ways)
    clock = Budget(parse_duration(budget))
    if min_agreement is not None and not 0 < min_agreement <= 1:
        raise InvalidArgument(f"min_agreement: {min_agreement!r} is no share. Write one from 0 to 1, such as 0.98.")
    wanted = _lengths(lengths, ids_of(workload.example).shape[1], context_of(decoder))
    vocabulary = _vocabulary(decoder, workload)
    _check_ids(workload, vocabulary)
    factor = None if target is None else parse_factor(target, "target")
    plan = DecodingPlan(chosen, wanted, clock, factor, min_agreement, vocabulary)
    search = Decoding(decoder, workload, plan, Hardware.current(workload.device.type))
    search.run()
    made = search.load()
    result = deliver(DecodingResult(search.report(), made or decoder.model, decoder))
    if result.report.interrupted:
        raise Interrupted(result)
    return result


def _check_ids(workload: Workload, vocabulary: int) -> None:
    """Refuse tokens that there are not.

    Raises
    ------
    InvalidArgument
        With the largest one, and how many there are.
    """
    ids = ids_of(workload.example)
    largest, least = int(ids.max()), int(ids.min())
    if largest >= vocabulary or least < 0:
        wrong = largest if largest >= vocabulary else least
        raise InvalidArgument(
            f"inputs: there is no token {wrong}: the model has {vocabulary:,}, numbered from 0. Is this its tokenizer?"
        )


def _ways(keys: Sequence[str] | str | None) -> tuple[Way, ...]:
    if keys is None:
        return WAYS
    found = _words(keys) if isinstance(keys, str) else list(keys)
    if not found:
        raise InvalidArgument('ways: there is none in it. Write some, such as "none,static-compiled".')
    return tuple(dict.fromkeys(map(way_named, found)))


def _lengths(given: Sequence[int] | str | None, prompt: int, context: int | None) -> tuple[int, ...]:
    """Return the numbers of new tokens, rising: those asked for, or as many of the usual as the context takes."""
    lengths: Any = LENGTHS if given is None else given
    if isinstance(lengths, str):
        lengths = [int(word) if word.isdigit() else word for word in _words(lengths)]
    lengths = (lengths,) if isinstance(lengths, int) else tuple(lengths)
    if not lengths or not all(type(length) is int and 2 <= length <= LONGEST for length in lengths):
        raise InvalidArgument(
            f"lengths: {given!r} are no numbers of new tokens. Write whole numbers from 2, such as '25,100'."
        )
    if context is None:
        return tuple(sorted(set(lengths)))
    room = context - prompt
    fitting = tuple(sorted({length for length in lengths if length <= room}))
    if room < 2:
        raise InvalidArgument(
            f"inputs: a prompt of {prompt} tokens leaves no room in the model's context of {context}. Give a shorter "
            "one."
        )
    if given is not None and len(fitting) < len(set(lengths)):
        raise InvalidArgument(
            f"lengths: {max(lengths)} new tokens after a prompt of {prompt} are more than the model's context of "
            f"{context}. Write {room} at most, or give a shorter prompt."
        )
    return fitting or (room,)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _vocabulary(decoder: Decoder, workload: Workload) -> int:
    """Return how many tokens there are: of random ones a text is made that every way reads."""
    said = getattr(getattr(decoder.model, "config", None), "vocab_size", None)
    if is_generative(decoder.model) and isinstance(said, int):
        return said
    check_call(decoder.model, workload, "inputs")
    with evaluating(decoder.model), preserved_rng():
        return int(last_logits(workload.example(decoder.model)).shape[-1])

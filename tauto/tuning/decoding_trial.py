"""What the processes of a decoder's trials do: each function here is run there, and returns what JSON can say."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tauto import measurement
from tauto.decoding import Decoder, Generator, Watch, Way, generator_of, is_generative
from tauto.decoding.causal_lm import TransformersGenerator
from tauto.decoding.generation import OutOfTime
from tauto.decoding.greedy import ids_of
from tauto.errors import ModelError
from tauto.execution import libraries_since, load
from tauto.hardware import Hardware
from tauto.measurement.blocks import synchronizer
from tauto.measurement.timing import orders
from tauto.tuning.cache_size import cache_bytes
from tauto.tuning.decoding_payload import DecodingPayload
from tauto.workload import Call, Workload

__all__ = ["confirm", "measure"]

WARM_TOKENS = 4
MOST_RUNS = 3
FIRST_SHARE = 0.7
"""Of the time there is, that the first run may take: at least two tell how they spread."""
PLACES = 9
"""Of the text, at which a step is timed where whole runs would take too long."""
TEXT_SEED = 0
FORCED_TOKENS = 64
FEWEST_PAIRS = 3
MOST_PAIRS = 12


def measure(
    payload: str, way: dict[str, Any], lengths: list[int], room: int, vocabulary: int, folder: str, cap_s: float
) -> dict[str, Any]:
    """Make the decoder's way, and time it up to the longest of ``lengths``.

    ``cap_s`` is for the timed runs alone. What is not reached in that time without a cache is estimated from single
    steps along the text.
    """
    measurement.keep_freed_memory()
    before = set(sys.modules)
    decoder, workload = _unpacked(payload)
    libraries = libraries_since(before)
    start, chosen = time.perf_counter(), Way(**way)
    made, wait = _made(decoder, chosen, workload, room, folder)
    preparation_s = time.perf_counter() - start
    call = workload.example
    _run(made, call, min(WARM_TOKENS, lengths[-1]), Watch(wait=wait))
    start = time.perf_counter()
    runs, tokens = _timed_runs(made, call, lengths[-1], wait, cap_s)
    reached = [length for length in lengths if length <= len(runs[0])]
    found = {
        "libraries": libraries,
        "preparation_s": preparation_s,
        "first_s": [run[0] for run in runs],
        "at": {length: [run[length - 1] for run in runs if len(run) >= length] for length in reached},
        "tokens": tokens,
        "cache_bytes": 0 if chosen.cache == "none" else cache_bytes(made.cache()),
        "estimated": {},
    }
    if chosen.cache == "none" and len(reached) < len(lengths):
        missing = [length for length in lengths if length not in reached]
        found["estimated"] = _estimated(made, call, missing, vocabulary, wait)
    compared = min(len(runs[0]), FORCED_TOKENS)
    found["chosen"] = _chosen(made, call, compared, vocabulary, _ends_of(decoder), wait)
    return found


def confirm(
    payload: str, original: dict[str, Any], way: dict[str, Any], tokens: int, room: int, folder: str, cap_s: float
) -> dict[str, Any]:
    """Load what was prepared for ``way`` and time it against the original as the user calls it, in turn."""
    measurement.keep_freed_memory()
    decoder, workload = _unpacked(payload)
    one, wait = _as_given(decoder, Way(**original), workload, room, folder)
    other, _ = _made(decoder, Way(**way), workload, room, folder)
    for made in (one, other):
        _run(made, workload.example, min(WARM_TOKENS, tokens), Watch(wait=wait))
    start, times = time.perf_counter(), ([], [])  # type: tuple[float, tuple[list[float], list[float]]]
    for order in orders(np.random.default_rng(TEXT_SEED)):
        for side in order:
            watch = Watch(wait=wait)
            _run((one, other)[side], workload.example, tokens, watch)
            times[side].append(watch.seconds[-1])
        pairs, passed = len(times[0]), time.perf_counter() - start
        if pairs >= MOST_PAIRS or (pairs >= FEWEST_PAIRS and passed * (pairs + 1) / pairs > cap_s):
            break
    return {"original": times[0], "decoded": times[1]}


def _unpacked(payload: str) -> tuple[Decoder, Workload]:
    packed: DecodingPayload = load(Path(payload))
    workload = packed.workload
    workload.model.eval()
    return replace(packed.decoder, model=workload.model), workload


def _made(
    decoder: Decoder, way: Way, workload: Workload, room: int, folder: str
) -> tuple[Generator, Callable[[], None]]:
    device = workload.device.type
    made, _ = generator_of(decoder, way, workload, room=room, folder=Path(folder), hardware=Hardware.current(device))
    return made, synchronizer(device)


def _as_given(
    decoder: Decoder, way: Way, workload: Workload, room: int, folder: str
) -> tuple[Generator, Callable[[], None]]:
    """Return what the user calls: a model of transformers chooses its cache itself."""
    if is_generative(decoder.model):
        made = TransformersGenerator(workload.model, way, room, plain=True)
        return made, synchronizer(workload.device.type)
    return _made(decoder, way, workload, room, folder)


def _run(made: Generator, call: Call, tokens: int, watch: Watch) -> None:
    with _ends():
        made.generate(call, tokens, watch)
    if not watch.tokens:
        raise ModelError("model: it generated no token.")


@contextmanager
def _ends() -> Iterator[None]:
    try:
        yield
    except OutOfTime:
        return


def _timed_runs(
    made: Generator, call: Call, tokens: int, wait: Callable[[], None], cap_s: float
) -> tuple[list[list[float]], list[list[int]]]:
    """Return the seconds to each token of each run, and the tokens; later runs are as long as the first could be."""
    start = time.perf_counter()
    first = Watch(until=start + FIRST_SHARE * cap_s, wait=wait)
    _run(made, call, tokens, first)
    reached, runs = len(first.seconds), [first.seconds]
    while len(runs) < MOST_RUNS:
        passed = time.perf_counter() - start
        if len(runs) > 1 and passed * (len(runs) + 1) / len(runs) > cap_s:
            break
        watch = Watch(wait=wait)
        _run(made, call, reached, watch)
        runs.append(watch.seconds)
    return runs, torch.stack(first.tokens, 1).tolist()


def _estimated(
    made: Generator, call: Call, lengths: list[int], vocabulary: int, wait: Callable[[], None]
) -> dict[int, list[float]]:
    """Return for each length the seconds, by the trapezoidal rule, of steps timed twice at places along the text.

    Without a cache a step's time depends on how much text it reads and not on which: random tokens do.
    """
    prompt = ids_of(call)
    places = np.unique(np.linspace(0, max(lengths) - 1, PLACES).round().astype(int))
    text = _text(prompt.shape[0], int(places[-1]) + 1, vocabulary).to(prompt.device)
    rounds: list[list[float]] = [[], []]
    for seconds in rounds:
        for place in places:
            watch = Watch(wait=wait)
            _run(made, _longer(call, torch.cat([prompt, text[:, :place].to(prompt)], 1)), 1, watch)
            seconds.append(watch.seconds[0])
    found = {}
    for length in lengths:
        steps = np.arange(length)
        found[length] = [float(np.interp(steps, places, seconds).sum()) for seconds in rounds]
    return found


def _chosen(
    made: Generator, call: Call, tokens: int, vocabulary: int, ends: list[int], wait: Callable[[], None]
) -> list[list[int]]:
    """Return what the model would choose at each place of one random text that is forced upon it."""
    text = _text(ids_of(call).shape[0], tokens, vocabulary)
    for end in ends:  # the text must go on
        text[text == end] = (end + 1) % vocabulary
    watch = Watch(forced=text, wait=wait)
    _run(made, call, tokens, watch)
    return torch.stack(watch.chosen, 1).tolist()


def _ends_of(decoder: Decoder) -> list[int]:
    """Return the tokens that end a text, as the model says."""
    found: Any = getattr(getattr(decoder.model, "generation_config", None), "eos_token_id", None)
    return [] if found is None else [found] if isinstance(found, int) else list(found)


def _text(batch: int, tokens: int, vocabulary: int) -> Tensor:
    generator = torch.Generator().manual_seed(TEXT_SEED)
    return torch.randint(vocabulary, (batch, tokens), generator=generator)


def _longer(call: Call, ids: Tensor) -> Call:
    """Return the call with other ids, and the masks that go with their length made longer by ones."""
    prompt = ids_of(call)

    def fitted(value: Any) -> Any:
        if value is prompt:
            return ids
        if isinstance(value, Tensor) and value.shape == prompt.shape:
            more = value.new_ones(value.shape[0], ids.shape[1] - value.shape[1])
            return torch.cat([value, more], 1)
        return value

    return Call(tuple(map(fitted, call.args)), {name: fitted(value) for name, value in call.kwargs.items()})

"""What every generator does, and what is watched while it does it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from tauto.workload import Call

__all__ = ["Generator", "OutOfTime", "Watch"]


class OutOfTime(Exception):  # a signal to stop generating, not a fault
    """The time that a generation may take is over; what was made until then is kept."""


class Watch:
    """Notes when each token comes, and which; can force the text.

    Parameters
    ----------
    forced : Tensor of shape (batch, tokens), optional
        The text that goes on whatever the model would choose; its own choices are noted in :attr:`chosen`. So two
        ways are compared over the same text, where one different token would change all that follows.
    until : float
        On ``time.perf_counter``: the first token after it ends the generation by :class:`OutOfTime`.
    wait : callable
        Waits for the device.
    """

    def __init__(
        self,
        forced: Tensor | None = None,
        until: float = float("inf"),
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.forced = forced
        self.until = until
        self.chosen: list[Tensor] = []
        self.tokens: list[Tensor] = []
        self.seconds: list[float] = []
        """From the start to each token."""
        self._wait = wait
        self._start = time.perf_counter()

    def start(self) -> None:
        """Start the clock: the call begins now."""
        self._wait()
        self._start = time.perf_counter()

    def choose(self, scores: Tensor) -> Tensor:
        """Return the scores from which the next token is taken: the model's own, or the forced text's."""
        if self.forced is None:
            return scores
        step = len(self.chosen)
        self.chosen.append(scores.argmax(-1).cpu())
        only = torch.full_like(scores, -torch.inf)
        return only.scatter(1, self.forced[:, step : step + 1].to(scores.device), 0.0)

    def token(self, tokens: Tensor) -> None:
        """Note the next token of each sequence, of shape (batch,)."""
        self._wait()
        now = time.perf_counter()
        self.tokens.append(tokens)
        self.seconds.append(now - self._start)
        if now > self.until:
            raise OutOfTime


class Generator(Protocol):
    """A model in one way of decoding."""

    def generate(self, call: Call, tokens: int, watch: Watch | None = None) -> Tensor:
        """Return the prompt and ``tokens`` greedy tokens, of shape (batch, length).

        Without a watch, a model that knows the end of its text ends there.
        """
        ...

    def prepare(self, call: Call) -> None:
        """Do what is done once, such as compiling, for prompts of this batch size."""
        ...

    def cache(self) -> Any:
        """Return the cache as the last generation left it; None where there is none."""
        ...

"""Where the trials of a search run: side by side on this machine, each with its share of the cores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tauto.errors import TrialFailed
from tauto.execution import Job, Share, Workspace, executor, shares_of
from tauto.tuning.hyperparameters.conversation import Answers, End, converse

__all__ = ["LocalPlaces", "Place", "Places"]

_NEEDED = ("torch._dynamo", "tauto.tuning.hyperparameters.trial")
"""Imported once for all trials. Torch's own is what the first step of any optimizer imports, a second or two."""


class Place(Protocol):
    """Where one trial at a time runs, in a process of its own."""

    def converse(self, title: str, seed: int, answers: Answers, within_s: float) -> End:
        """Run one trial to its end, as :func:`~tauto.tuning.hyperparameters.conversation.converse`."""


class Places(Protocol):
    """All the places of a search."""

    def open(self, payload: Path, workspace: Workspace) -> Sequence[Place]:
        """Return them, ready for trials of what the file ``payload`` holds.

        Raises
        ------
        TrialFailed
            When no process can be started there.
        """

    def preload(self, libraries: Sequence[str]) -> None:
        """Have modules that a trial imported be there for the next ones."""

    def close(self) -> None:
        """Leave them."""

    @property
    def notes(self) -> Sequence[str]:
        """What a report says of them."""


class LocalPlaces:
    """Places on this machine.

    Parameters
    ----------
    workers : int
        So many trials at once; each has an equal share of the cores and of the memory.
    """

    def __init__(self, workers: int = 1) -> None:
        self._shares = shares_of(workers)

    def open(self, payload: Path, workspace: Workspace) -> list[Place]:
        """Return them; the first of a session waits for imports, which are no part of a trial."""
        executor().preload(_NEEDED)
        outcome = executor().run(Job("os:getpid", {}, workspace.folder("first")))
        if outcome.failure is not None:
            raise TrialFailed(f"No process could be started for a trial: it {outcome.failure.reason}.")
        return [_Local(payload, workspace, share) for share in self._shares]

    def preload(self, libraries: Sequence[str]) -> None:
        """Have the server of this session import them."""
        executor().preload(libraries)

    def close(self) -> None:
        """Nothing is held: the server is the session's."""

    @property
    def notes(self) -> tuple[str, ...]:
        """That trials ran side by side, and on how many cores."""
        workers = len(self._shares)
        if workers == 1:
            return ()
        cores = self._shares[0].cores or ()
        each = f"{len(cores)} core{'' if len(cores) == 1 else 's'} each"
        several = len({share.cores for share in self._shares})
        if several < workers:
            each = f"{each}, of which there are {several}"
        return (f"{workers} trials ran side by side, on {each}: what a trial times of itself is of that.",)


class _Local:
    def __init__(self, payload: Path, workspace: Workspace, share: Share) -> None:
        self._payload, self._workspace, self._share = payload, workspace, share

    def converse(self, title: str, seed: int, answers: Answers, within_s: float) -> End:
        """Run one trial in a process of this machine."""
        return converse(self._payload, title, seed, self._workspace, answers, within_s, self._share)

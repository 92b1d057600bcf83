"""Places on a Ray cluster: each trial runs on some node, in a process of its own there, and asks the search here.

The search asks the study and tells it; a node needs no way to the storage. What a trial asks goes through an actor
beside the search, since tasks cannot reach a driver. A trial whose node dies is made again, once.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tauto.errors import InvalidArgument, MissingDependency, TrialFailed
from tauto.execution import Workspace, new_workspace
from tauto.hardware import Hardware
from tauto.tuning.hyperparameters.conversation import Answers, End, Refused
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.hyperparameters.places import LocalPlaces, Place
from tauto.tuning.study import versions

__all__ = ["RayPlaces"]

_LOOK_S = 0.2
_ANSWERS_WITHIN_S = 10.0
_BEGINS_WITHIN_S = 120.0
"""So long a trial may wait for a free node beyond its own time."""


class RayPlaces:
    """Places on a Ray cluster.

    Parameters
    ----------
    address : str or None
        Of the cluster; None for the one that Ray finds, else one on this machine alone.
    workers : int
        So many trials at once, each with an equal share of the nodes' cores.

    Raises
    ------
    MissingDependency
        When Ray is not installed.
    """

    def __init__(self, address: str | None, workers: int) -> None:
        try:
            import ray
        except ImportError:
            raise MissingDependency("executor: Ray is not installed. Run: pip install 'tauto[ray]'") from None
        self._ray: Any = ray
        self._address, self._workers = address, workers
        self._is_ours = False
        self._cores = self._nodes = 0

    def open(self, payload: Path, workspace: Workspace) -> Sequence[Place]:
        """Connect, look that every node has the same versions, and return the places."""
        ray = self._ray
        self._connect()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        nodes = self._checked(nodes)
        self._nodes = len(nodes)
        self._cores = cores_each([int(node["Resources"].get("CPU", 0)) for node in nodes], self._workers)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        mailbox = ray.remote(_Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        task = ray.remote(_trial).options(num_cpus=self._cores, max_retries=0)
        content = ray.put(payload.read_bytes())
        return [_Remote(ray, task, mailbox, content) for _ in range(self._workers)]

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        try:
            if self._address is not None:  # Ray itself would try for minutes
                host, _, port = self._address.rpartition(":")
                socket.create_connection((host, int(port)), _ANSWERS_WITHIN_S).close()
            self._ray.init(address=self._address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # a cluster that does not start here in time is a bare one of Ray's
            where = f"at {self._address}" if self._address else "here"
            raise InvalidArgument(
                f"executor: no Ray cluster answers {where} ({' '.join(str(error).split())[:200]}). Start one: "
                "ray start --head; then name its address, such as 'ray:HOST:6379'."
            ) from None
        self._is_ours = True

    def _checked(self, nodes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the nodes that answer; refuse one whose versions are not those of this process."""
        ray, own, there_are = self._ray, versions(), []
        for node in nodes:
            there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            try:
                found = ray.get(
                    ray.remote(versions).options(num_cpus=0, scheduling_strategy=there).remote(),
                    timeout=_BEGINS_WITHIN_S,
                )
            except ray.exceptions.TaskUnschedulableError:
                continue  # it died, and the cluster had not noticed yet
            except ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[-1]
                raise TrialFailed(
                    f"Ray's node {node['NodeManagerAddress']} cannot run TAuto: {why}. Install the same version there."
                ) from None
            other = [f"{name} {found[name]} (here {one})" for name, one in own.items() if found[name] != one]
            if other:
                raise InvalidArgument(
                    f"executor: Ray's node {node['NodeManagerAddress']} has {', '.join(other)}: trials could not be "
                    "compared. Install the same there."
                )
            there_are.append(node)
        if not there_are:
            raise TrialFailed("no node of the Ray cluster answers any more. Start one: ray start --address=…")
        return there_are

    def preload(self, libraries: Sequence[str]) -> None:
        """Nothing: each node does so for itself."""

    def close(self) -> None:
        """Leave the cluster, if it was entered for this search."""
        if self._is_ours:
            self._is_ours = False
            self._ray.shutdown()

    @property
    def notes(self) -> tuple[str, ...]:
        """That Ray ran them."""
        nodes = "1 node" if self._nodes == 1 else f"{self._nodes} nodes"
        cores = "1 core" if self._cores == 1 else f"{self._cores} cores"
        return (f"Ray ran {self._workers} trials at once on {nodes}, each on {cores}.",)


def cores_each(nodes: Sequence[int], workers: int) -> int:
    """Return the cores of a trial: the most with which so many fit at once, each within one node.

    Examples
    --------
    >>> cores_each([4, 4, 4], 2), cores_each([1, 1], 1), cores_each([2], 5)
    (4, 1, 1)
    """
    fits = (cores for cores in range(1, max(nodes, default=1) + 1) if sum(one // cores for one in nodes) >= workers)
    return max(fits, default=1)


class _Remote:
    """One trial at a time, somewhere on the cluster."""

    def __init__(self, ray: Any, task: Any, mailbox: Any, content: Any) -> None:
        self._ray, self._task, self._mailbox, self._content = ray, task, mailbox, content

    def converse(self, title: str, seed: int, answers: Answers, within_s: float) -> End:
        """Run one trial to its end, answering what it asks."""
        ray, key = self._ray, secrets.token_hex(8)
        surroundings = [entry for entry in sys.path if isinstance(entry, str)], str(Path.cwd())
        trial = self._task.remote(self._content, title, seed, within_s, self._mailbox, key, *surroundings)
        question = self._mailbox.next.remote(key)
        late, over = time.monotonic() + within_s + _BEGINS_WITHIN_S, False
        try:
            while time.monotonic() < late:
                answers.meanwhile()
                ready, _ = ray.wait([trial, question], num_returns=1, timeout=_LOOK_S)
                if trial in ready:
                    over = True
                    return End(**ray.get(trial))
                if question in ready:
                    message = ray.get(question)
                    self._mailbox.answer.remote(key, _reply(message, answers))
                    question = self._mailbox.next.remote(key)
        except ray.exceptions.RayError as error:
            return End(failed=f"was lost with its node ({type(error).__name__})", kind="lost")
        finally:
            if not over:  # cancelling one that has ended brings Ray 2.60 down
                ray.cancel(trial, force=False)
            self._mailbox.forget.remote(key)
        return End(failed="found no free node in time", kind="timed_out")


def _reply(message: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    if "knob" in message:
        try:
            return {"value": answers.ask(Knob.from_dict(message["knob"]))}
        except Refused as error:
            return {"refused": str(error)}
    return {"stop": answers.report(message["report"], message["step"])}


class _Mailbox:
    """An actor: holds what trials ask until the search answers."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._answered: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def ask(self, key: str, message: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of the search to ``message``."""
        await self._of(self._asked, key).put(message)
        return await self._of(self._answered, key).get()

    async def next(self, key: str) -> dict[str, Any]:
        """Return what the trial asks next."""
        return await self._of(self._asked, key).get()

    async def answer(self, key: str, reply: dict[str, Any]) -> None:
        """Answer what it asked last."""
        await self._of(self._answered, key).put(reply)

    async def forget(self, key: str) -> None:
        """Drop what belongs to a trial that has ended."""
        self._of(self._asked, key).put_nowait({})  # who waits for the next waits no longer
        self._asked.pop(key, None)
        self._answered.pop(key, None)

    def _of(self, queues: dict[str, asyncio.Queue[dict[str, Any]]], key: str) -> asyncio.Queue[dict[str, Any]]:
        return queues.setdefault(key, asyncio.Queue())


class _Relayed:
    """Answers a trial on its node by asking the search."""

    def __init__(self, mailbox: Any, key: str) -> None:
        import ray

        self._get, self._mailbox, self._key = ray.get, mailbox, key

    def ask(self, knob: Knob) -> Any:
        """Return a value for ``knob``."""
        reply = self._exchange({"knob": knob.to_dict()})
        if "refused" in reply:
            raise Refused(reply["refused"])
        return reply["value"]

    def report(self, value: float, step: int) -> bool:
        """Tell how good the trial is so far; return whether it is to stop."""
        return bool(self._exchange({"report": value, "step": step})["stop"])

    def meanwhile(self) -> None:
        """Nothing: the search says itself that it is alive."""

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self._get(self._mailbox.ask.remote(self._key, message))
        return reply


_places: dict[int, tuple[Place, Workspace]] = {}
"""Of this process on a node, by the digest of what it runs: its server stays warm from trial to trial."""


def _trial(
    content: bytes, title: str, seed: int, within_s: float, mailbox: Any, key: str, path: list[str], folder: str
) -> dict[str, Any]:
    """Run one trial on a node, in a process of its own; a shared disk's folder and modules are there as here."""
    sys.path.extend(entry for entry in path if entry not in sys.path)
    if Path(folder).is_dir():
        os.chdir(folder)
    place = _place(content)
    end = place.converse(title, seed, _Relayed(mailbox, key), within_s)
    LocalPlaces().preload(end.libraries)
    here = Hardware.current("cpu")
    return asdict(end) | {"machine": (here.fingerprint, here.summary)}


def _place(content: bytes) -> Place:
    number = hash(content)
    if number not in _places:
        workspace = new_workspace()
        payload = workspace.path / "objective.pt"
        payload.write_bytes(content)
        _places[number] = LocalPlaces().open(payload, workspace)[0], workspace
    return _places[number][0]

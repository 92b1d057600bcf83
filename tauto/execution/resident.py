"""A model that stays in a process of its own and looks like any other ``nn.Module``."""

from __future__ import annotations

import base64
import io
import secrets
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor, nn

from tauto.errors import ModelError, NotTransferable, TrialFailed
from tauto.execution.addresses import connect, free_socket, new_socket
from tauto.execution.encoding import classes_in, decode
from tauto.execution.frames import pack, unpack
from tauto.execution.importable import travelling_pickler
from tauto.execution.job import Job
from tauto.execution.local import RunningJob, executor
from tauto.execution.workspace import Workspace
from tauto.workload.structure import flatten, rebuild

__all__ = ["ResidentModule"]


class ResidentModule(nn.Module):
    """Runs a model in a child process; a crash in it is an error here and no more.

    The child is ended when this object is closed or no longer referred to. Calls are answered one at a time,
    without gradients. What comes back is tensors, and a structure of containers whose classes are builtin or
    in ``like``; nothing of the child's is unpickled.

    Parameters
    ----------
    function : str
        ``"package.module:function"``, which builds the model in the child.
    arguments : Mapping[str, Any]
        Its keyword arguments, of what JSON can say.
    workspace : Workspace
        Where the child keeps its files; kept as long as this object.
    like : Any
        What the original model returned to some call: its classes are the ones that answers may have.
    ready_within_s : float or None
        Seconds that the child may take to build the model; None for no limit.

    Raises
    ------
    TrialFailed
        When the child ends, or is not ready in time. What the function itself raises of
        :mod:`tauto.errors` is raised as that.
    """

    def __init__(
        self,
        function: str,
        arguments: Mapping[str, Any],
        workspace: Workspace,
        *,
        like: Any = None,
        ready_within_s: float | None = None,
    ) -> None:
        super().__init__()
        super().train(False)
        self._function = function
        self._workspace = workspace
        self._known = classes_in(like)
        self._lock = threading.Lock()
        self._calls = 0
        self._why: str | None = None
        folder = workspace.folder("resident")
        address, key = new_socket(folder), secrets.token_hex(32)
        job = Job(
            "tauto.execution.residence:serve",
            {"function": function, "arguments": dict(arguments), "address": str(address), "key": key},
            folder,
        )
        self._job = executor().start(job)
        self._connection: Connection | None = None
        self._finalizer = weakref.finalize(self, _end, self._job, address)
        self._connection = self._connect(address, bytes.fromhex(key), ready_within_s)

    @property
    def alive(self) -> bool:
        """Whether the child is there to answer."""
        return self._connection is not None and self._job.alive

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model in the child returns to these arguments."""
        with self._lock:
            reply, tensors = self._exchange(*flatten((args, kwargs)))
        if "error" in reply:
            raise ModelError(f"The isolated model raised {reply['error']}")
        return rebuild(decode(reply["structure"], self._known), tensors)

    def close(self) -> None:
        """End the child now; a later call raises."""
        self._hang_up("has been closed")
        self._finalizer()
        self._job.wait(timeout_s=10.0)

    def train(self, mode: bool = True) -> ResidentModule:
        """Refuse ``train()``: the model in the child is made for inference."""
        if mode:
            raise ModelError("An isolated model cannot be trained. Train the original and optimize it again.")
        return super().train(False)

    def extra_repr(self) -> str:
        """Say which process holds the model."""
        return f"{self._function} in process {self._job.pid}" + ("" if self.alive else " (ended)")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise NotTransferable(
            "An isolated model lives in a process of its own and cannot be copied or saved. "
            "Save its recipe, and apply that to the original."
        )

    def _connect(self, address: Path, key: bytes, ready_within_s: float | None) -> Connection:
        connection = connect(address, key, lambda: self._job.alive, ready_within_s)
        if connection is not None:
            return connection
        if not self._job.alive:
            self._raise_end()
        self._finalizer()
        raise TrialFailed(f"The isolated model was not ready within {ready_within_s:.3g} s: stopped.")

    def _exchange(self, tensors: list[Tensor], skeleton: Any) -> tuple[dict[str, Any], list[Tensor]]:
        if self._connection is None:
            self._raise_end()
        self._calls += 1
        request = pack({"number": self._calls, "pickled": _pickled(skeleton)}, tensors)
        try:
            with self._unless_interrupted():
                self._connection.send_bytes(request)
            return self._receive(self._connection)
        except (EOFError, OSError):
            self._hang_up()
            self._raise_end()

    def _receive(self, connection: Connection) -> tuple[dict[str, Any], list[Tensor]]:
        """Return the answer to the last call; answers to calls that were interrupted are dropped."""
        while True:
            connection.poll(None)  # here an interrupt does no harm
            with self._unless_interrupted():
                reply, tensors = unpack(connection.recv_bytes())
            if reply["number"] == self._calls:
                return reply, tensors

    @contextmanager
    def _unless_interrupted(self) -> Iterator[None]:
        """Hang up on an interrupt: half a message may be out, and nothing sensible can follow it."""
        try:
            yield
        except KeyboardInterrupt:
            self._hang_up("was interrupted in the middle of a message")
            self._job.stop()
            raise

    def _hang_up(self, why: str | None = None) -> None:
        self._why = self._why or why
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _raise_end(self) -> NoReturn:
        outcome = self._job.wait(timeout_s=5.0)
        failure = outcome.failure if outcome else None
        if failure is not None and failure.error is not None and self._why is None:
            raise failure.to_exception()
        reason = self._why or (failure.reason if failure else "no longer answers")
        raise TrialFailed(f"The isolated model {reason}. Apply its recipe again for a new one.")


def _pickled(skeleton: Any) -> str:
    buffer = io.BytesIO()
    with travelling_pickler() as pickler:
        pickler(buffer).dump(skeleton)
    return base64.b64encode(buffer.getvalue()).decode()


def _end(job: RunningJob, address: Path) -> None:
    job.stop()
    free_socket(address, job.job.folder)

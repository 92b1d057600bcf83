"""The child's side of a resident model: builds it, then answers calls until the kernel hangs up."""

from __future__ import annotations

import base64
import pickle
from multiprocessing.connection import Listener
from typing import Any

import torch

from tauto.execution.child import find
from tauto.execution.encoding import encode
from tauto.execution.frames import pack, unpack
from tauto.workload.structure import flatten, rebuild

__all__ = ["serve"]


def serve(function: str, arguments: dict[str, Any], address: str, key: str) -> None:
    """Build the model by ``function(**arguments)`` and answer calls on the socket ``address``."""
    model = find(function)(**arguments)
    with Listener(address, authkey=bytes.fromhex(key)) as listener, listener.accept() as connection:
        while True:
            try:
                request = connection.recv_bytes()
            except EOFError:
                return
            connection.send_bytes(_answer(model, request))


def _answer(model: Any, request: bytes) -> bytes:
    header, tensors = unpack(request)
    reply: dict[str, Any] = {"number": header["number"]}
    try:
        args, kwargs = rebuild(pickle.loads(base64.b64decode(header["pickled"])), tensors)
        with torch.inference_mode():
            outputs, structure = flatten(model(*args, **kwargs))
        return pack(reply | {"structure": encode(structure)}, outputs)
    except Exception as error:
        return pack(reply | {"error": f"{type(error).__name__}: {error}"}, [])

"""Messages between this process and the fork server: JSON objects with their length before them."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

__all__ = ["Message", "receive", "send"]

Message = dict[str, Any]
_LENGTH = struct.Struct("!I")


def send(connection: socket.socket, message: Message) -> None:
    """Send one message; OSError when the other side is gone."""
    body = json.dumps(message).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket) -> Message | None:
    """Return the next message, or None when the other side is gone."""
    header = _exactly(connection, _LENGTH.size)
    body = header and _exactly(connection, _LENGTH.unpack(header)[0])
    if not body:
        return None
    message: Message = json.loads(body)
    return message


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = connection.recv(count - len(parts))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)

"""A PostgreSQL server of one's own, in a folder that goes with it: for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["HOW", "NEEDED", "private_postgres"]

HOW = "PostgreSQL is not installed here. Run: apt-get install postgresql"
PASSWORD = "op@n sesame"
_DEBIAN = Path("/usr/lib/postgresql")
_READY_S = 60.0


def _programs() -> Path | None:
    """Return the folder of the server's programs; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(_DEBIAN.glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


NEEDED = _programs()
"""None where there is no server to start."""


@contextmanager
def private_postgres(**settings: str) -> Iterator[str]:
    """Start a server and yield a URL, with its password, of an empty database; ``settings`` are the server's."""
    if NEEDED is None:
        raise FileNotFoundError(HOW)
    # the server refuses to run as root
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="tauto-postgres-") as place, socket.socket() as free:
        folder = Path(place)
        if user:
            shutil.chown(folder, "postgres", "postgres")
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        made = [NEEDED / "initdb", "-D", folder / "data", "-U", "me", "-A", "scram-sha-256", f"--pwfile={secret}"]
        subprocess.run([*made, "--no-sync"], check=True, capture_output=True, cwd=place, **user)
        told = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **settings}
        options = [word for name, value in told.items() for word in ("-c", f"{name}={value}")]
        command = [NEEDED / "postgres", "-D", folder / "data", *options]
        log = (folder / "log").open("wb")
        with log, subprocess.Popen(command, stdout=log, stderr=log, cwd=place, **user) as server:
            try:
                _wait(port, server, folder / "log")
                yield f"postgresql://me:{PASSWORD.replace('@', '%40').replace(' ', '%20')}@127.0.0.1:{port}/postgres"
            finally:
                server.terminate()
                try:
                    server.wait(5)
                except subprocess.TimeoutExpired:
                    server.kill()


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_S
    while server.poll() is None and time.monotonic() < end:
        if "ready to accept connections" in log.read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server on port {port} did not start: {log.read_text(errors='replace')[-500:]}")

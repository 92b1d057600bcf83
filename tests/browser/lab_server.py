"""A real JupyterLab in a process of its own, whose files all lie in one folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

__all__ = ["ROOT", "JupyterServer"]

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 90
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--port=0",
    "--ip=127.0.0.1",
    "--expose-app-in-browser",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
]


@dataclass
class JupyterServer:
    """JupyterLab over ``folder / "notebooks"``.

    Parameters
    ----------
    folder : Path
        Of all its files: notebooks, settings, workspaces, log.
    """

    folder: Path
    url: str = ""
    token: str = ""
    _process: subprocess.Popen[bytes] | None = None
    _ending: dict[str, Thread] = field(default_factory=dict)

    @property
    def notebooks(self) -> Path:
        """The folder that it serves."""
        return self.folder / "notebooks"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.notebooks.mkdir(parents=True)
        quiet = self.folder / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
        self.token = secrets.token_hex(16)
        command = [sys.executable, "-m", "jupyterlab", *OPTIONS, *self._own_extension()]
        command += [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.notebooks}"]
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment(), cwd=self.notebooks, stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text()[-4000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End it with its kernels."""
        for ending in self._ending.values():
            ending.join()
        if self._process is not None:
            self._process.terminate()  # it ends its kernels itself
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def forget(self) -> None:
        """End every kernel, and take back what was set: the next page finds all as the first one did."""
        for session in {str(one["id"]) for one in json.loads(self._ask("api/sessions"))} - self._ending.keys():
            # a kernel takes its seconds to end, for which nobody waits
            self._ending[session] = Thread(target=self._end, args=(session,))
            self._ending[session].start()
        for name in ("@jupyterlab/apputils-extension/themes", "tauto/plugin"):
            (self.folder / f"settings/{name}.jupyterlab-settings").unlink(missing_ok=True)

    def _end(self, session: str) -> None:
        # the page that was closed may have had it restarted or ended just then
        with contextlib.suppress(urllib.error.HTTPError):
            self._ask(f"api/sessions/{session}", "DELETE")

    def _ask(self, path: str, method: str = "GET") -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers, method=method)) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        if not (found := list((self.folder / "runtime").glob("jpserver-*.json"))):
            return False
        try:
            self.url = str(json.loads(found[0].read_text())["url"])
            self._ask("api")
        except (OSError, ValueError, urllib.error.URLError):
            return False
        return True

    def _own_extension(self) -> list[str]:
        """Return the option by which it finds the checkout's own extension, as built."""
        built = ROOT / "labextension/dist"
        if not built.is_dir():
            return []
        folder = self.folder / "labextensions"
        folder.mkdir()
        (folder / "tauto").symlink_to(built)
        return [f"--LabApp.extra_labextensions_path={folder}"]

    def _environment(self) -> dict[str, str]:
        """Return an environment whose files all lie in the folder, and in which kernels find the checkout."""
        names = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "TAUTO_STORE": "store",
            "TAUTO_WORK": "work",
            "TAUTO_CACHE": "cache",
        }
        folders = {name: str(self.folder / folder) for name, folder in names.items()}
        path = os.pathsep.join(str(ROOT / part) for part in ("", "widgets", "tests"))
        return {**os.environ, **folders, "PYTHONPATH": path}

"""Firefox, driven through the WebDriver BiDi that it speaks itself: Debian's package needs no driver beside it.

Playwright's own way to a system's Firefox asks for commands that the extended support release (140) does not know.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websocket import create_connection

__all__ = ["Firefox", "firefox_path"]

STARTS_WITHIN_S = 60
ANSWERS_WITHIN_S = 60
LISTENS = "WebDriver BiDi listening on "
# it asks nobody for anything
SETTINGS = """\
user_pref("app.normandy.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""
KEYS = {"ArrowRight": "\ue014", "Enter": "\ue007", "Tab": "\ue004"}


def firefox_path() -> str | None:
    """Return the system's Firefox; None where there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window of Firefox without a screen; used as a context manager.

    Parameters
    ----------
    path : str
        Of the program.
    folder : Path
        Of its profile and its log.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self._path, self._folder = path, folder
        self.errors: list[str] = []
        """What the console called an error, and exceptions that nobody caught."""
        self.asked: list[str] = []
        """Addresses that the page asked for."""

    def __enter__(self) -> Self:
        profile, log = self._folder / "profile", self._folder / "firefox.log"
        profile.mkdir()
        (profile / "user.js").write_text(SETTINGS)
        command = [self._path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            # one that sends an Origin is refused
            address = f"{self._address(log)}/session"
            self._socket = create_connection(address, timeout=ANSWERS_WITHIN_S, suppress_origin=True)
            self._number = 0
            self._do("session.new", capabilities={})
            self._do("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            # in the tab that it begins with the address bar has the focus
            self._page = self._do("browsingContext.create", type="tab")["context"]
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)

    def visit(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self._do("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in CSS pixels."""
        self._do("browsingContext.setViewport", context=self._page, viewport={"width": width, "height": height})

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression, or what it promises, is as JSON."""
        wrapped = f"(async () => JSON.stringify((await ({expression})) ?? null))()"
        answer = self._do("script.evaluate", expression=wrapped, target={"context": self._page}, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def until(self, expression: str, within_s: float = ANSWERS_WITHIN_S) -> None:
        """Wait until a JavaScript expression is true."""
        ends = time.monotonic() + within_s
        while not self.evaluate(expression):
            if time.monotonic() > ends:
                raise TimeoutError(f"not within {within_s:g} s: {expression}")
            time.sleep(0.1)

    def press(self, key: str) -> None:
        """Press a key, as a person does."""
        value = KEYS[key]
        actions = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        keyboard = [{"type": "key", "id": "keyboard", "actions": actions}]
        self._do("input.performActions", context=self._page, actions=keyboard)

    def screenshot(self, path: Path) -> None:
        """Keep a picture of what is seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._do("browsingContext.captureScreenshot", context=self._page)["data"]))

    def _address(self, log: Path) -> str:
        until = time.monotonic() + STARTS_WITHIN_S
        while LISTENS not in (said := log.read_text(errors="replace")):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Firefox did not start:\n{said[-4000:]}")
            time.sleep(0.1)
        return said.split(LISTENS)[1].split()[0]

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        """Execute a command, and return its result; note what happens meanwhile."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message["type"] == "event":
                self._happened(message["method"], message["params"])
            elif message["id"] == self._number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
                return dict(message["result"])

    def _happened(self, method: str, params: dict[str, Any]) -> None:
        if method == "network.beforeRequestSent":
            self.asked.append(params["request"]["url"])
        elif method == "log.entryAdded" and params["level"] == "error":
            self.errors.append(params["text"] or "")

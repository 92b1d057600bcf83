"""What the tests of isolated execution share."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tauto.execution import LocalExecutor, Workspace, new_workspace

JOBS = Path(__file__).parent / "jobs"


@pytest.fixture(autouse=True)
def jobs_on_path(monkeypatch, tmp_path):
    """The modules that jobs run stand beside the tests, as a user's do beside a notebook."""
    monkeypatch.syspath_prepend(str(JOBS))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


@pytest.fixture
def workspace() -> Workspace:
    space = new_workspace()
    yield space
    space.close()


@pytest.fixture(scope="module")
def local() -> LocalExecutor:
    with LocalExecutor() as executor:
        yield executor


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where a shell that put us in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def main_classes():
    """Run code as a notebook's cell: what it defines belongs to ``__main__``."""
    namespace = vars(sys.modules["__main__"])
    before = dict(namespace)

    def run(code: str) -> dict[str, object]:
        exec(code, namespace)
        return namespace

    yield run
    namespace.clear()
    namespace.update(before)

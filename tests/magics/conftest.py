from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

import tauto
from tauto import events
from tauto.errors import Interrupted


class Shell:
    """A real shell, and what it showed."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        InteractiveShell.clear_instance()
        self.ip = InteractiveShell.instance(config=config)
        self.ip.colors = "nocolor"
        self.ip.run_line_magic("load_ext", "tauto_magics")
        self.out = self.err = ""

    def run(self, cell: str) -> ExecutionResult:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result: ExecutionResult = self.ip.run_cell(cell)
        self.out, self.err = out.getvalue(), err.getvalue()
        return result

    def fails(self, cell: str) -> str:
        """Run a cell that must fail, and return the one line that it showed."""
        result = self.run(cell)
        assert not result.success, f"{cell!r} succeeded: {self.out}"
        lines = (self.out + self.err).strip().splitlines()
        assert len(lines) == 1, "\n".join(lines)
        assert lines[0].startswith("UsageError: "), lines[0]
        return lines[0].removeprefix("UsageError: ")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path.parent / "cache"))
    shell = Shell()
    yield shell
    shell.ip.run_line_magic("unload_ext", "tauto_magics")
    InteractiveShell.clear_instance()


class FakeResult:
    def __init__(self, verb: str, model: object = None) -> None:
        self.verb, self.model = verb, model

    def __repr__(self) -> str:
        return f"<{self.verb} report>"


class FakeSession:
    def __init__(self) -> None:
        self.result: FakeResult | None = None
        self.raised: object = None

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.raised, self.result = error, FakeResult("profile")


class Engine:
    """Stands for the verbs: notes what they are called with, and does what ``then`` says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.then: Callable[[], None] = lambda: None
        self.optimized = object()
        self.sessions: list[FakeSession] = []

    def verb(self, name: str) -> Callable[..., Any]:
        def called(*args: Any, **keywords: Any) -> Any:
            self.calls.append((name, args, keywords))
            if name == "profile" and not args:
                self.sessions.append(FakeSession())
                return self.sessions[-1]
            events.emit(events.Progress(name, "working", 0.5, 3))
            self.then()
            return "import torch\nprint(1)\n" if name == "script" else FakeResult(name, self.optimized)

        return called

    def stop(self) -> None:
        raise Interrupted(FakeResult("partial", self.optimized))

    @property
    def keywords(self) -> dict[str, Any]:
        return self.calls[-1][2]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    verbs = ("profile", "fix", "compare", "sensitivity", "quantize", "prune", "factorize", "compile", "autotune")
    for name in (*verbs, "apply", "decode", "tune", "script", "runs"):
        monkeypatch.setitem(vars(tauto), name, engine.verb(name))
    return engine

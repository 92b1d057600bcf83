"""What a trial does in its own process: run the objective once, ask the search for its knobs, say what came of it."""

from __future__ import annotations

import ast
import builtins
import json
import linecache
import random
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tauto.errors import InvalidArgument, a_kind
from tauto.execution import libraries_since, load
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.hyperparameters.subject import CELL_TITLE
from tauto.tuning.hyperparameters.suggest import answering
from tauto.tuning.study.digest import is_own_file
from tauto.workload.cell import CELL_FILE

__all__ = ["run"]

_LONGEST = 300


class _StoppedEarly(BaseException):
    """The search stops this trial. Not an Exception: the objective's own handlers are to let it through."""


def run(payload: str, title: str, address: str, key: str, seed: int) -> dict[str, Any]:
    """Run the objective of ``payload`` under ``seed``; return its figure, or how it failed, as plain data."""
    before = set(sys.modules)
    with Listener(address, authkey=bytes.fromhex(key)) as listener, listener.accept() as connection:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        if not hasattr(builtins, "display"):
            builtins.display = print  # type: ignore[attr-defined]  # IPython's, in a notebook
        try:
            function = _loaded(load(Path(payload)), title)
            with answering(_Search(connection)):
                came = {"value": _plain(function())}
        except _StoppedEarly:
            came = {"stopped_early": True}
        except BaseException as error:  # sys.exit and the like end the trial, too
            came = {"failed": _reason(error), "kind": type(error).__name__}
    return came | {"libraries": libraries_since(before)}


def _loaded(packed: dict[str, Any], title: str) -> Callable[[], Any]:
    """Return what is called, with its source known to tracebacks."""
    for file, lines in packed["lines"].items():
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    if title != CELL_TITLE:
        function: Callable[[], Any] = packed[title]
        return function
    source = packed["source"]
    linecache.cache[CELL_FILE] = (len(source), None, source.splitlines(keepends=True), CELL_FILE)
    names = packed[CELL_TITLE].__globals__
    names.setdefault("__builtins__", builtins)
    names["__name__"] = "__main__"
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = compile(tree, CELL_FILE, "exec", dont_inherit=True)
    value = compile(ast.Expression(last.value), CELL_FILE, "eval", dont_inherit=True) if last is not None else None

    def cell() -> Any:
        exec(body, names)
        return eval(value, names) if value is not None else None

    return cell


class _Told(InvalidArgument):
    """Says in words what the objective did, after "it"."""


class _Search:
    """The search at the other end of the line; JSON goes both ways."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock, self._step = connection, threading.Lock(), -1

    def ask(self, knob: Knob) -> Any:
        """Return the value that the search gives this knob."""
        answer = self._exchange({"knob": knob.to_dict()})
        if "refused" in answer:
            raise _Told(answer["refused"])
        return answer["value"]

    def report(self, value: float, step: int | None) -> None:
        """Tell how good the trial is so far; it may end here."""
        self._step = self._step + 1 if step is None else step
        if self._exchange({"report": repr(value), "step": self._step}).get("stop"):
            raise _StoppedEarly

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._connection.send_bytes(json.dumps(message).encode())
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        return answer


def _plain(value: Any) -> Any:
    """Return what the objective returned as JSON data: a number, a list of numbers, or a dict of them."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {str(name): _number(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_number(item) for item in value]
    return _number(value)


def _number(value: Any) -> float:
    if not isinstance(value, str):
        try:
            return float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    raise _Told(f"returned {a_kind(value)}{shape}, which is no number")


def _reason(error: BaseException) -> str:
    """Return in one line what was raised, and at which line of the user's."""
    try:
        message = " ".join(str(error).split())[:_LONGEST]
    except Exception:  # the user's own __str__
        message = ""
    said = message if isinstance(error, _Told) else f"raised {type(error).__name__}" + f": {message}" * bool(message)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own_file(frame.filename)]
    if not own:
        return said
    line = f": {own[-1].line}" if own[-1].line else ""
    return f"{said} (line {own[-1].lineno}{line})"

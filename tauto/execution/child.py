"""What a job's process does: take on the kernel's surroundings, call the function, write what came of it."""

from __future__ import annotations

import errno
import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
import types
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

from tauto.errors import CandidateFailed

__all__ = ["BEGAN", "ERROR", "EXIT_NO_SPACE", "EXIT_RAISED", "OUTPUT", "RESULT", "find", "run"]

BEGAN, ERROR, OUTPUT, RESULT = "began", "error.json", "output.txt", "result.json"
"""Files of a job's folder."""
EXIT_RAISED = 70
EXIT_NO_SPACE = 74
"""Exit codes after an exception, and when not even that could be written (``sysexits.h``)."""
_FRAMES = 8


def run(request: dict[str, Any]) -> NoReturn:
    """Run the job of ``request`` in this process and end the process, without Python's own clean-up."""
    folder = Path(request["folder"])
    code = EXIT_RAISED
    try:
        _enter(request, folder)
        function = find(request["function"])
        (folder / BEGAN).write_text(repr(time.monotonic()))
        _write(folder / RESULT, {"result": function(**request["arguments"])})
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        code = _report(folder, error)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _enter(request: dict[str, Any], folder: Path) -> None:
    """Take on the surroundings that the kernel had when it asked for the job."""
    _redirect(folder / OUTPUT)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path[:] = request["path"]
    sys.argv = [request["function"]]
    importlib.invalidate_caches()
    # Not the server's: classes of the user's script or notebook arrive by value and find nothing of ours here.
    sys.modules["__main__"] = types.ModuleType("__main__")
    _prefer_fork()
    if request["cores"] is not None and hasattr(os, "sched_setaffinity"):  # elsewhere torch's threads alone are held
        cores = request["cores"]
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores] if isinstance(cores, int) else cores)
    if request["torch"] is not None:
        _set_torch(**request["torch"])


def _redirect(output: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(file)
    # A new stream, with a line's end its flush: what a crash cuts off is then the last line at most.
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    faulthandler.enable(sys.stderr)


def _prefer_fork() -> None:
    """Let DataLoader workers be forked where that is usual: they then need no pickling of ``__main__``."""
    if sys.platform == "linux":
        import multiprocessing

        multiprocessing.set_start_method("fork", force=True)


def _set_torch(threads: int, dtype: str, matmul_precision: str) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, dtype))
    torch.set_float32_matmul_precision(matmul_precision)


def find(name: str) -> Any:
    """Return what ``"package.module:name"`` names, imported."""
    module, _, attribute = name.partition(":")
    return reduce(getattr, attribute.split("."), importlib.import_module(module))


def _report(folder: Path, error: BaseException) -> int:
    """Write ``error`` down; return the exit code."""
    text = "".join(traceback.format_exception(error, limit=-_FRAMES))
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if not isinstance(error, CandidateFailed):  # a refusal says all in its message
        print(text, file=sys.stderr)
    try:
        _write(folder / ERROR, {"kinds": kinds, "message": str(error), "traceback": text})
    except OSError as second:
        return EXIT_NO_SPACE if second.errno in {errno.ENOSPC, errno.EDQUOT} else EXIT_RAISED
    return EXIT_RAISED


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` so that it is there as a whole or not at all."""
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(json.dumps(content))
    partial.replace(path)

"""Ways for a job to end, well and badly."""

import ctypes
import mmap
import os
import signal
import sys
import threading
import time
from pathlib import Path

from tauto.errors import CandidateFailed, EvaluateError


def add(a, b):
    print("adding")
    return a + b


def pid():
    return os.getpid()


def segfault():
    print("last words")
    ctypes.string_at(0)


def abort():
    os.abort()


def exit_with(code):
    os._exit(code)


def sys_exit(code):
    sys.exit(code)


def deadlock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def busy():
    while True:
        pass


def shielded():
    """Refuses every polite end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    busy()


def eat(grandchildren=0):
    for _ in range(grandchildren):
        if os.fork() == 0:
            break
    held = []
    while True:
        held.append(bytearray(b"x") * 20_000_000)
        time.sleep(0.02)


def fork_with_large_memory(size, children):
    """Children that share the parent's pages: the group's memory is still ``size``."""
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for _ in range(size // 1_000_000):
        held.write(b"x" * 1_000_000)
    for _ in range(children):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    time.sleep(3)  # until it was looked at, on a machine that stalls too
    return len(held)


def raise_value_error():
    raise ValueError("seven is not eight")


def refuse():
    raise CandidateFailed("this hardware has no bfloat16")


def evaluate_error():
    raise EvaluateError("evaluate returned nan")


def memory_error():
    raise MemoryError


def unsayable():
    return {1, 2}


def sleep_with_family(marks):
    """Sleep for long, with a child, a grandchild, and one that left the session and lost its parent."""
    mark(marks, "root")
    if os.fork() == 0:
        mark(marks, "child")
        if os.fork() == 0:
            mark(marks, "grandchild")
        time.sleep(300)
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            mark(marks, "stray")
            time.sleep(300)
        os._exit(0)
    time.sleep(300)


def leave_stray(marks):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            mark(marks, "stray")
            time.sleep(300)
        os._exit(0)
    while not (Path(marks) / "stray").exists():
        time.sleep(0.01)
    return "done"


def surroundings():
    return {
        "cwd": str(Path.cwd()),
        "path": sys.path,
        "variable": os.environ.get("TAUTO_TEST_VARIABLE"),
        "session": os.getsid(0) == os.getpid(),
        "oom": Path("/proc/self/oom_score_adj").read_text().strip() if sys.platform == "linux" else None,
        "sigint": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "main": sorted(name for name in vars(sys.modules["__main__"]) if not name.startswith("__")),
    }


def torch_state():
    import torch

    return [torch.get_num_threads(), str(torch.get_default_dtype()), torch.cuda.is_initialized()]


def mark(marks, name):
    temporary = Path(marks) / f".{name}"
    temporary.write_text(str(os.getpid()))
    temporary.rename(Path(marks) / name)


def is_imported(name):
    return name in sys.modules

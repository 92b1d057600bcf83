"""OpenVINO and NNCF, imported with their telemetry off, and kept from standing still in forks of the process."""

from __future__ import annotations

import gc
import importlib
import os
from functools import cache
from typing import Any

from tauto.conversion.quiet import quiet

__all__ = ["import_nncf", "import_openvino"]


def import_openvino() -> Any:
    """Return the module ``openvino``; it is made unable to send anything first, since importing it sends an event."""
    _silence_telemetry()
    _leave_garbage_to_the_parent()
    with quiet():
        return importlib.import_module("openvino")


def import_nncf() -> Any:
    """Return the module ``nncf``, made unable to send anything first."""
    import_openvino()
    with quiet():
        return importlib.import_module("nncf")


@cache
def _leave_garbage_to_the_parent() -> None:
    """Have a fork of this process not collect what was made before it.

    The destructor of a compiled model waits for threads that a fork has not: where a worker of a DataLoader happened
    to collect a model that its parent had dropped, worker and loader stood still for good.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=gc.freeze)


def _silence_telemetry() -> None:
    """Decline in this process, whatever the consent file says: no file is written and no thread sends.

    OpenVINO has no switch for a process (only a file in the user's home, which is not ours to write). The class
    is changed, not an instance, so that it also holds when the user imported OpenVINO before.
    """
    try:
        checker = importlib.import_module("openvino_telemetry.utils.opt_in_checker")
        sender = importlib.import_module("openvino_telemetry.utils.sender")
    except ModuleNotFoundError:  # OpenVINO then uses a stub of its own
        return
    checker.OptInChecker.check = lambda *_, **__: checker.ConsentCheckResult.DECLINED
    sender.TelemetrySender.send = lambda *_, **__: None

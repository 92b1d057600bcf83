"""Sends a model, its inputs and its ``evaluate`` to trials: written once as one file, mapped by each.

The mapping is private (copy on write): a trial that overwrites every weight changes neither the file nor the
user's model. torch.multiprocessing is not used: it moves the sender's own weights into shared memory.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from tauto.errors import NotTransferable
from tauto.execution.blame import explain
from tauto.execution.importable import travelling_pickler
from tauto.execution.workspace import disk_errors_explained, explain_write_failure

__all__ = ["load", "save_workload"]


def save_workload(value: Any, path: Path, name: str = "model", way: str | None = None) -> None:
    """Write ``value``, with all the tensors in it, to the one file ``path``, whole or not at all.

    Classes and functions of a notebook, a script or a module that cannot be imported by name are written by
    value, others by reference. Tied weights stay tied. ``value`` and the random state are only read.

    Parameters
    ----------
    value : Any
        A model, or a dictionary or dataclass with the model among other things.
    path : Path
        File to write, in a private folder.
    name : str
        What the user calls ``value``, for messages.
    way : str, optional
        What to do about a part that cannot be sent, where the usual advice does not fit.

    Raises
    ------
    NotTransferable
        When a part cannot be sent; the message names it and the way round.
    TrialFailed
        When the disk is full.
    """
    partial = path.with_name(path.name + ".tmp")
    try:
        with disk_errors_explained(path):
            _write(value, partial)
            partial.replace(path)
    except OSError:
        raise
    except Exception as error:
        if (message := explain(value, name, way)) is not None:
            raise NotTransferable(message) from error
        explain_write_failure(error, path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def _write(value: Any, path: Path) -> None:
    with travelling_pickler() as pickler:
        module = SimpleNamespace(__name__="cloudpickle", Pickler=pickler)
        torch.save(value, path, pickle_module=module)
    path.chmod(0o600)


def load(path: Path) -> Any:
    """Return what :func:`save_workload` wrote to ``path``, its weights mapped privately from the file.

    Only for files of this user's own workspace: unpickling runs code.
    """
    return torch.load(path, mmap=True, weights_only=False)

"""What the rules alone would do to a model, for this machine or another, without measuring anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from torch import nn

from tauto.hardware import THIS_MACHINE
from tauto.recipes import Recipe
from tauto.tuning import chosen_techniques, destination, expected_space
from tauto.workload import Workload

__all__ = ["optimization_pipeline"]


def optimization_pipeline(
    model: nn.Module,
    target_hardware: str | Path = THIS_MACHINE,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
) -> Recipe:
    """Return the recipe that the rules expect most of, untried: **estimated, not measured**.

    Nothing is prepared or timed. :func:`tauto.apply` measures what the recipe is worth, on the machine that it is meant
    for.

    Parameters
    ----------
    model : torch.nn.Module
        Stays as it is.
    target_hardware : str or Path
        ``"this-machine"``, a target that comes with TAuto (:func:`tauto.targets`), or a YAML file like those.
    inputs, data : optional
        As in :func:`tauto.autotune`.
    only, without : collection of str
        Techniques allowed; techniques left out.

    Returns
    -------
    Recipe
        Without a step where the rules expect nothing of any, unless the target takes one form alone.

    Raises
    ------
    InvalidArgument
        When there is no such target, or its file is wrong: its line is named.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)).eval()
    >>> optimization_pipeline(net, "mobile", torch.zeros(1, 4096)).title  # doctest: +SKIP
    'onnxruntime (int8_static)'
    """
    workload = Workload.of(model, inputs=inputs, data=data)
    there = destination(target_hardware, workload.device.type)
    chosen = [item for item in chosen_techniques(only, without) if item.name not in there.without]
    return next(iter(expected_space(workload, there, chosen).recipes), Recipe(()))

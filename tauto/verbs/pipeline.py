"""What the rules alone would do to a model, for this machine or another, without measuring anything."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from torch import nn

from tauto.hardware import THIS_MACHINE, Hardware, target
from tauto.recipes import Recipe
from tauto.techniques import Technique
from tauto.tuning import chosen_techniques, legal_space
from tauto.tuning.rules import expected_speedup
from tauto.tuning.traits import traits_of
from tauto.workload import Workload

__all__ = ["optimization_pipeline"]

_ENGINES = {"onnx": "onnxruntime", "openvino": "openvino"}


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
    if str(target_hardware) == THIS_MACHINE:
        return _first(workload, Hardware.current(workload.device.type), chosen_techniques(only, without))
    described = target(target_hardware)
    chosen = chosen_techniques(only, {*without, *described.without})
    engine = _ENGINES[described.export] if described.export else None
    return _first(workload, described.hardware(str(target_hardware)), chosen, engine)


def _first(workload: Workload, hardware: Hardware, chosen: list[Technique], engine: str | None = None) -> Recipe:
    """Return the most promising recipe, of those that end in ``engine`` where one is named."""
    legal = legal_space(workload, hardware, chosen).recipes
    fitting = [one for one in legal if engine is None or (one.engine is not None and one.engine.name == engine)]
    traits, batch = traits_of(workload), workload.example.batch
    gains = {one.digest: math.prod(expected_speedup(one, traits, hardware, batch)) for one in fitting}
    best = max(fitting, key=lambda one: gains[one.digest], default=Recipe(()))
    return best if engine or gains.get(best.digest, 0.0) > 1.0 else Recipe(())

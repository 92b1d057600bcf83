"""Which channels must go together, followed by Torch-Pruning, and no longer than is of use.

It needs torch and torch_pruning alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tauto.workload.structure import map_tensors

__all__ = ["EndlessError", "Followed", "Patience", "graph_of", "group_of", "lost"]

PATIENCE_S = 10.0
"""Of computing, over the channels of one layer; halved each time that was not enough."""


class EndlessError(Exception):
    """Channels were followed for longer than there was patience."""


class Patience:
    """How long the channels of one layer may be followed, in seconds of computing: what stalls a machine counts not."""

    def __init__(self) -> None:
        self.seconds = PATIENCE_S
        self.ends = 0.0

    def begin(self) -> None:
        """Be patient anew."""
        self.ends = time.thread_time() + self.seconds

    def check(self) -> None:
        """Raise when it took too long, and be half as patient from then on."""
        if time.thread_time() > self.ends:
            self.seconds /= 2
            raise EndlessError


class Followed(list):  # type: ignore[type-arg]
    """Dependencies of a node: Torch-Pruning goes through them each time that it comes by."""

    def __init__(self, dependencies: Iterable[Any], patience: Patience) -> None:
        super().__init__(dependencies)
        self.patience = patience

    def __iter__(self) -> Iterator[Any]:
        self.patience.check()
        return super().__iter__()


def graph_of(model: nn.Module, call: Any) -> Any:
    """Return Torch-Pruning's graph of one ``(args, kwargs)``: which layers depend on each other's channels."""
    import torch_pruning  # half a second

    def outputs(model: nn.Module, call: Any) -> list[Tensor]:
        found: list[Tensor] = []

        def take(tensor: Tensor) -> Tensor:
            if tensor.grad_fn is not None:
                found.append(tensor)
            return tensor

        map_tensors(take, model(*call[0], **call[1]))
        return found

    graph = torch_pruning.DependencyGraph()
    with torch.enable_grad():
        graph.build_dependency(model, call, forward_fn=outputs, verbose=False)
    graph.patience = Patience()
    for node in graph.module2node.values():
        node.dependencies = Followed(node.dependencies, graph.patience)
    return graph


def group_of(graph: Any, module: nn.Module, channels: list[int]) -> Any:
    """Return what must go together with ``channels`` of what ``module`` makes."""
    graph.patience.begin()
    return graph.get_pruning_group(module, graph.get_pruner_of_module(module).prune_out_channels, channels)


def lost(error: Exception) -> str:
    """Return the reason for a layer whose channels Torch-Pruning cannot follow: it raises what it likes."""
    if isinstance(error, EndlessError):
        return "its channels move on each time they are followed, without an end (as by a rotation of positions)"
    return f"Torch-Pruning cannot follow its channels through the forward pass ({type(error).__name__})"

"""What layers put out while a model runs, by hooks that are gone afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from tauto.workload.structure import tensors_of

__all__ = ["first_tensor", "tapped"]


@contextmanager
def tapped(model: nn.Module, paths: Collection[str]) -> Iterator[dict[str, list[Tensor]]]:
    """Run the block with the layers at ``paths`` listened to; each call adds the first tensor of its output."""
    heard: dict[str, list[Tensor]] = {}
    handles = []

    def listen(path: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if (found := first_tensor(output)) is not None:
                heard.setdefault(path, []).append(found)

        return hook

    try:
        for path in paths:
            handles.append(model.get_submodule(path).register_forward_hook(listen(path)))
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def first_tensor(output: Any) -> Tensor | None:
    """Return the first floating-point tensor of an output; None where it has none."""
    return next((each for each in tensors_of(output) if each.is_floating_point()), None)

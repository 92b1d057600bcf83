"""The plain Python of a distillation."""

from __future__ import annotations

import textwrap
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it
from torch import Tensor, nn

from tauto.techniques.distillation import students
from tauto.techniques.listing import listed
from tauto.techniques.pruning.script import cuts_script
from tauto.techniques.pruning.technique import PruneConfig
from tauto.techniques.technique import Script
from tauto.workload.structure import map_tensors

__all__ = ["student_script"]

_DEPTH = (
    students.halve_depth,
    students._holders,
    students._runs,
    students._children,
    students._sign,
    students._every_second,
    students._in_turn,
    students._first,
    students._renumber,
)


def student_script(config: Any) -> Script:
    """Return the script of a ``DistillConfig``."""
    width = cuts_script(PruneConfig(sparsity=students.WIDTHS.get(config.student, 0.5)))
    imports, body = list(width.imports), ["teacher = copy.deepcopy(model)"]
    definitions = [*width.definitions, listed(tensors_of), listed(teach)]
    if config.student in students.WIDTHS:
        body.append(width.body)
    else:
        definitions += [f"LONGEST_PERIOD = {students.LONGEST_PERIOD}", *map(listed, _DEPTH)]
        halved = "halve_depth(model, args, kwargs)"
        body += [f"if not {halved}:\n{textwrap.indent(width.body, '    ')}"] if config.student == "half" else [halved]
    length = f"epochs={config.epochs}" if config.epochs else f"steps={config.steps}"
    body += [
        f"# TAuto taught it here by {config.method} with what you gave it; put your own loop in the place of this one",
        f"teach(model, teacher, [(args, kwargs), *data], {length}, learning_rate={config.learning_rate!r}, "
        f"temperature={config.temperature!r})",
        "model.eval().requires_grad_(False)",
    ]
    imports += ["import torch.nn.functional as F"]
    return Script(tuple(imports), "\n".join(body), tuple(definitions))


def teach(
    student: nn.Module,
    teacher: nn.Module,
    calls: list[Any],
    epochs: int = 0,
    steps: int = 0,
    learning_rate: float = 1e-3,
    temperature: float | None = None,
) -> None:
    """Train ``student`` to answer as ``teacher`` does: with a temperature as scores of classes, else by the squares."""
    student.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(student.parameters(), lr=learning_rate)
    for step in range(steps or epochs * len(calls)):
        args, kwargs = calls[step % len(calls)]
        with torch.no_grad():
            right = tensors_of(teacher(*args, **kwargs))
        with torch.enable_grad():
            found = tensors_of(student(*args, **kwargs))
            losses = []
            for mine, its in zip(found, right, strict=True):
                if its.is_floating_point() and temperature:
                    soft, target = (F.log_softmax(each / temperature, -1) for each in (mine, its))
                    losses.append(F.kl_div(soft, target, reduction="batchmean", log_target=True) * temperature**2)
                elif its.is_floating_point():
                    losses.append(F.mse_loss(mine, its))
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    student.eval()


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors of an output, in order."""
    found: list[Tensor] = []

    def take(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(take, value)
    return found

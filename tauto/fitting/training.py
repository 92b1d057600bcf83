"""A training under way."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, TautoError
from tauto.events import Progress, emit
from tauto.fitting.accelerator import accelerator_for
from tauto.fitting.batches import Batches
from tauto.fitting.checkpoint import Checkpoint
from tauto.fitting.objective import Objective, checked
from tauto.fitting.optimizer import OptimizerFactory, made_optimizer
from tauto.fitting.plan import Plan
from tauto.fitting.state import digest, lent, put, switched, take
from tauto.fitting.track import Ended, Track
from tauto.interrupts import held_interrupts
from tauto.workload.state import preserved_generators
from tauto.workload.structure import described, map_tensors

__all__ = ["Training"]


@dataclass(slots=True)
class Training:
    """One training under way: the model, what is made smaller, the data, and how far it is.

    Parameters
    ----------
    model, whole : torch.nn.Module
        What is trained, alone and with what is trained beside it.
    objective : callable
        ``objective(model, batch) -> loss``.
    batches : Batches
        The data, and the place in it.
    plan : Plan
        How long and how fast.
    track : Track
        What happened so far.
    teacher : torch.nn.Module or None
        Called by ``objective``, never trained.
    task : str
        What progress is told under.
    """

    model: nn.Module
    whole: nn.Module
    objective: Objective
    batches: Batches
    plan: Plan
    track: Track
    teacher: nn.Module | None = None
    task: str = "fit"
    total: int = field(init=False, default=0)
    """Steps."""
    method: str = field(init=False, default="")
    """The optimizer's name."""
    rates: list[float] = field(init=False, default_factory=list)
    """The highest learning rate of each group of parameters."""
    _checkpoint: Checkpoint | None = field(init=False, default=None)
    _optimizer: Any = field(init=False, default=None)
    _accelerator: Any = field(init=False, default=None)
    _between_steps: bool = field(init=False, default=True)

    def run(self, factory: OptimizerFactory | None, checkpoint: str | Path | None) -> Ended:
        """Train, and leave the model in its best state; return how it ended."""
        device = next(self.model.parameters()).device
        fixed = switched(self.teacher, training=False) if self.teacher is not None else contextlib.nullcontext()
        try:
            try:
                with lent(self.whole), fixed, accelerator_for(device) as self._accelerator:
                    self._prepare(factory, checkpoint)
                    self._train(device)
                ended = Ended("finished", f"all {self.total} steps were taken")
            except Ended as end:
                ended = end
            except KeyboardInterrupt:
                ended = Ended("interrupted", f"it was interrupted after step {self.track.step}")
            if self._checkpoint is not None:
                whole = self._between_steps and self._optimizer is not None
                self._checkpoint.settle(ended.stop, str(ended), self._state if whole else None, self.track.state())
        finally:
            self.track.roll_back()
        return ended

    def _prepare(self, factory: OptimizerFactory | None, checkpoint: str | Path | None) -> None:
        per_epoch = self.batches.count()
        if self.plan.steps is None and per_epoch is None:
            raise InvalidArgument("epochs: the loader does not say how long it is. Write steps=… in their place.")
        self.total = self.plan.steps or (self.plan.epochs or 0) * (per_epoch or 0)
        made = made_optimizer(factory, self._parameters(), self.plan)
        self.method = type(made).__name__
        self.rates = [float(group["lr"]) for group in made.param_groups]
        optimizer = self._accelerator.prepare_optimizer(made, device_placement=False)
        if checkpoint is not None:
            self._checkpoint = Checkpoint(checkpoint, self._identity())
            if found := self._checkpoint.load():
                self.track.resume(found["track"])
                if "ended" in found:
                    raise Ended(*found["ended"])
                put(self.whole, found["values"])
                optimizer.load_state_dict(found["optimizer"])
                self.batches.resume(found["batches"])
        self._optimizer = optimizer

    def _identity(self) -> dict[str, Any]:
        judge = self.track.judge
        return {
            "weights": digest(take(self.whole).values()),
            "plan": repr(dataclasses.replace(self.plan, checkpoint_every_s=0, limit_s=None)),
            "length": self.total,
            "optimizer": f"{self.method} {self.rates}",
            "evaluate": f"{judge.name} {judge.higher}",
        }

    def _parameters(self) -> list[nn.Parameter]:
        theirs = set(self.teacher.parameters()) if self.teacher is not None else set()
        found = [each for each in self.whole.parameters() if each.requires_grad and each not in theirs]
        if not found:
            raise ModelError(
                "model: no parameter of it requires a gradient: there is nothing to train. Call requires_grad_(True)."
            )
        return found

    def _train(self, device: torch.device) -> None:
        every = self.plan.evaluate_every
        given = self.track.step == 0  # with evaluate, the model as it is given is a candidate
        self._look(due=self.track.judge.evaluate is not None if given else self._every(every))
        while self.track.step < self.total:
            for batch in self.batches.rest():
                with held_interrupts(once=True):
                    self._between_steps = False
                    self._step(map_tensors(lambda each: each.to(device), batch))
                    self.batches.mark()
                    self._between_steps = True
                self._tell()
                self._look(due=self._every(every))
                self._mind_the_time()
                if self._checkpoint and self._checkpoint.is_due(self.plan.checkpoint_every_s):
                    self._checkpoint.save(self._state())
                if self.track.step == self.total:
                    break
            self._look(due=every is None)
            self.batches.next_epoch()
        self._look(due=True)

    def _step(self, batch: Any) -> None:
        try:
            for group, rate in zip(self._optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * self.plan.rate(self.track.step, self.total)
            loss = checked(self.objective(self.model, batch), self.track.step)
            number = loss.item()
            if math.isfinite(number):
                self._descend(loss)
        except TautoError:
            raise
        except Exception as error:  # the objective's, the model's or the optimizer's own words
            shapes = described(batch)
            raise ModelError(
                f"objective: step {self.track.step + 1} failed with a batch of {shapes}. "
                f"Its own error: {type(error).__name__}: {error}"
            ) from error
        self.track.add(number)

    def _descend(self, loss: Tensor) -> None:
        self._accelerator.backward(loss)
        parameters = [each for group in self._optimizer.param_groups for each in group["params"]]
        if self.plan.clip is not None:
            self._accelerator.clip_grad_norm_(parameters, self.plan.clip)
        try:
            self._optimizer.step()
        except Exception as error:
            raise ModelError(
                f"optimizer: {self.method} failed at step {self.track.step + 1}; it is called without a closure. "
                f"Its own error: {type(error).__name__}: {error}"
            ) from error
        for parameter in parameters:  # what zero_grad() does; Accelerate's takes longer than a small network's step
            parameter.grad = None

    def _mind_the_time(self) -> None:
        limit_s = self.plan.limit_s
        if limit_s is not None and self.track.wall_s - self.track.before_s >= limit_s and self.track.step < self.total:
            self._look(due=True)
            place = f"step {self.track.step:,} of {self.total:,}"
            kept = ", from which the same call goes on" if self._checkpoint and self._checkpoint.of_many else ""
            raise Ended("out_of_time", f"its {limit_s:.3g} s were over after {place}{kept}")

    def _every(self, steps: int | None) -> bool:
        return steps is not None and self.track.step % steps == 0

    def _look(self, *, due: bool) -> None:
        if due and not self.track.looked_at():
            with preserved_generators(self.batches.loader):
                self.track.look(self.batches.epoch if self.track.step else 0)

    def _tell(self) -> None:
        step = self.track.step
        words = f"epoch {self.batches.epoch}, step {step:,} of {self.total:,}, loss {self.track.losses[-1]:.4g}"
        emit(Progress(self.task, words, step / self.total, self.track.seconds_left(self.total)))

    def _state(self) -> dict[str, Any]:
        return {
            "values": take(self.whole),
            "optimizer": self._optimizer.state_dict(),
            "batches": self.batches.state(),
            "track": self.track.state(),
        }

"""What each layer costs when it alone is quantized: of the outputs always, of the user's metrics as the budget allows.

The layers are run as if they were quantized (:mod:`tauto.tuning.fake_quantization`) on a copy. First every layer's own
error is measured, in one run; then, worst first, what it does to the outputs of the whole model, and then to the
metrics. What the budget does not allow is left open, and the report says how many samples and layers it is about.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, TautoError
from tauto.events import Progress, emit
from tauto.hardware import Hardware
from tauto.measurement import Deviation, conditions_of, evaluate_model, size_bytes
from tauto.measurement.deviation import unlike
from tauto.profiling.footprint import count_inference
from tauto.reports import LayerError, Quality, SensitivityReport, SensitivityRow, UnmeasuredLayer
from tauto.tuning.budget import Budget
from tauto.tuning.fake_quantization import FakeQuantization, Scheme
from tauto.tuning.quantizable import QuantizableLayer, SkippedLayer, quantizable_layers
from tauto.workload import Workload
from tauto.workload.call import Call
from tauto.workload.state import kept_buffers, seeded
from tauto.workload.structure import tensors_of

__all__ = ["Sensitivity", "damage", "most_harmful_first"]

_TASK = "sensitivity"
OUTPUTS_SHARE = 0.5
"""Share of the budget for outputs where ``evaluate`` is to have its turn."""
NEVER_CALLED = "never called with these inputs, so there was nothing to calibrate on"


def damage(error: LayerError | None) -> float:
    """Return one figure for an error that adds up over layers: the power of the noise over that of the signal."""
    if error is None:
        return 0.0
    return max((error.relative_error or 0.0) ** 2, error.changed or 0.0)


def most_harmful_first(row: SensitivityRow) -> tuple[int, float, float]:
    """Order rows: those that alone break the rule by their drop, then by what they do to the outputs."""
    over = max((one.drop - one.allowed_drop for one in row.quality if not one.held), default=0.0)
    if over > 0:
        return 0, -over, -damage(row.error)
    # outputs that were not measured: by the layer's own error, below those that were
    return (1, -damage(row.error), 0.0) if row.error is not None else (2, -damage(row.own), 0.0)


@dataclass(slots=True)
class _Measured:
    """A layer and what was found of it."""

    layer: QuantizableLayer
    flops: int = 0
    own: Deviation = field(default_factory=Deviation)
    error: LayerError | None = None
    quality: tuple[Quality, ...] = ()


class Sensitivity:
    """One analysis: made of a workload, run once, asked for its report.

    Parameters
    ----------
    workload : Workload
        The model (a copy of it is run), the samples, ``evaluate`` and the rule.
    scheme : Scheme
        How the layers are quantized.
    budget : Budget
        Its clock runs already.

    Raises
    ------
    InvalidArgument
        When no layer can be quantized.
    ModelError
        When the model cannot be copied or run.
    """

    def __init__(self, workload: Workload, scheme: Scheme, budget: Budget) -> None:
        self.workload = workload
        self.budget = budget
        self.interrupted = False
        self.model = workload.copy_model()
        layers, self.skipped = quantizable_layers(self.model)
        if not layers:
            raise InvalidArgument(_nothing(self.skipped))
        self.fake = FakeQuantization(self.model, layers, scheme)
        self.calls: Sequence[Call] = (workload.example,)
        self.together: LayerError | None = None
        self.together_quality: tuple[Quality, ...] = ()
        self._found = {layer.path: _Measured(layer) for layer in layers}
        self._expected: list[list[Tensor]] = []
        self._metrics: dict[str, float] | None = None

    def run(self) -> None:
        """Measure as much as the budget allows; what was measured before an interrupt stays.

        Raises
        ------
        ModelError, EvaluateError
            When the model or ``evaluate`` fails on the copy.
        """
        with _own_words(), kept_buffers(self.model), torch.inference_mode(), _uncompiled():
            self._prepare()
            try:
                self._measure_outputs()
                self._measure_quality()
            except KeyboardInterrupt:
                self.interrupted = True

    @property
    def reached(self) -> list[_Measured]:
        """The layers that the samples reach, the most harmful first as far as that is known."""
        rows = [one for one in self._found.values() if one.layer.path in self.fake.reached]
        return sorted(rows, key=lambda one: most_harmful_first(self._row(one, 0, None)))

    def error_with(self, paths: Collection[str]) -> LayerError:
        """Return the error of the model's outputs with the layers of these ``paths`` quantized."""
        total = Deviation()
        with _own_words(), self.fake.quantized(paths) as model, torch.inference_mode(), _uncompiled():
            for call, expected in zip(self.calls, self._expected, strict=True):
                with seeded(0):
                    given = [tensor.detach() for tensor in tensors_of(call(model))]
                if why := unlike(expected, given):
                    raise ModelError(f"model: it returns something else at each call: {why}.")
                total.add(expected, given)
        return total.error()

    def _prepare(self) -> None:
        emit(Progress(_TASK, "calibrating", 0.0, self.budget.left_s))
        with seeded(0):
            self.workload.example(self.model)  # the first call does what is done once
            start = time.perf_counter()
            self.workload.example(self.model)
            call_s = time.perf_counter() - start
        self.calls = self._affordable(call_s)
        with seeded(0):
            self.fake.calibrate((self.workload.example, *self.calls))
        self._measure_own()
        for call in self.calls:
            with seeded(0):
                self._expected.append([tensor.detach().clone() for tensor in tensors_of(call(self.model))])
        if not any(self._expected):
            raise ModelError("model: it returns no tensor, so there is nothing to compare.")

    def _affordable(self, call_s: float) -> Sequence[Call]:
        """Return as many samples as leave time for every layer."""
        share = OUTPUTS_SHARE if self.workload.evaluate is not None else 1.0
        each = 1.5 * call_s * (len(self._found) + 4)
        return self.workload.samples[: max(1, int(share * self.budget.left_s / max(each, 1e-9)))]

    def _measure_own(self) -> None:
        """Run the example once, and each layer once more as if it were quantized, on the same inputs."""
        apart = False

        def watch(one: _Measured) -> Callable[..., None]:
            def leave(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
                nonlocal apart
                if apart:
                    return
                expected = [tensor.detach().clone() for tensor in tensors_of(output)]
                taken = next(iter(tensors_of((args, kwargs))), None)
                if taken is not None and expected:
                    one.flops += one.layer.flops(taken, expected[0])
                if self.budget.left_s == 0:
                    return
                apart = True
                try:
                    with self.fake.quantized([one.layer.path]):
                        given = tensors_of(module(*args, **kwargs))
                finally:
                    apart = False
                if not unlike(expected, given):
                    one.own.add(expected, given)

            return leave

        with ExitStack() as stack, seeded(0):
            for path in self.fake.reached:
                one = self._found[path]
                handle = one.layer.module.register_forward_hook(watch(one), with_kwargs=True)
                stack.callback(handle.remove)
            self.workload.example(self.model)

    def _measure_outputs(self) -> None:
        todo = self.reached
        keep_s = 0.0 if self.workload.evaluate is None else (1 - OUTPUTS_SHARE) * self.budget.left_s
        took = 0.0
        for number, one in enumerate(todo):
            if number and self.budget.left_s - keep_s < took:
                break
            self._tell(f"outputs with {one.layer.path} quantized, {number + 1} of {len(todo)}", number, len(todo))
            start = self.budget.elapsed_s
            one.error = self.error_with([one.layer.path])
            took = self.budget.elapsed_s - start
        if self.budget.left_s > 0:
            self.together = self.error_with([one.layer.path for one in todo])

    def _measure_quality(self) -> None:
        workload = self.workload
        if workload.evaluate is None or self.budget.left_s == 0:
            return
        self._tell("evaluating the original", 0, 1)
        start = self.budget.elapsed_s
        self._metrics = evaluate_model(workload, self.model)
        took = self.budget.elapsed_s - start
        todo = self.reached
        self.together_quality = self._quality_with([one.layer.path for one in todo])
        for number, one in enumerate(todo):
            if self.budget.left_s < took:
                return
            self._tell(f"evaluating with {one.layer.path} quantized, {number + 1} of {len(todo)}", number, len(todo))
            one.quality = self._quality_with([one.layer.path])

    def _quality_with(self, paths: Collection[str]) -> tuple[Quality, ...]:
        with self.fake.quantized(paths) as model, _uncompiled():
            after = evaluate_model(self.workload, model)
        return self.workload.rule.judge(self._metrics or {}, after or {})

    def _tell(self, message: str, done: int, of: int) -> None:
        emit(Progress(_TASK, message, min(done / max(of, 1), 0.99), self.budget.left_s))

    def report(self, hardware: Hardware, *, estimate: bool = True) -> SensitivityReport:
        """Return what was found, the most harmful layers first.

        Without ``estimate`` shares are of the layers' own work alone, and no time is estimated: that takes seconds.
        """
        whole = max(self._call_flops() if estimate else 0, sum(one.flops for one in self._found.values()))
        gain = self._int8_gain(hardware) if estimate else None
        rows = tuple(self._row(one, whole, gain) for one in self.reached)
        missed = [one.layer for one in self._found.values() if one.layer.path not in self.fake.reached]
        return SensitivityReport(
            model=self.workload.name,
            bits=self.fake.scheme.bits,
            activations=self.fake.scheme.activations,
            rows=rows,
            unmeasured=(
                *(UnmeasuredLayer(layer.path, layer.kind, layer.reason) for layer in self.skipped),
                *(UnmeasuredLayer(layer.path, layer.kind, NEVER_CALLED) for layer in missed),
            ),
            together=self.together,
            together_quality=self.together_quality,
            quality_rule=self.workload.quality_rule,
            evaluated=sum(bool(row.quality) for row in rows),
            samples=sum(call.batch for call in self.calls),
            batches=len(self.calls),
            size_bytes=size_bytes(self.workload.model),
            conditions=conditions_of(self.workload.example, hardware),
            budget_s=self.budget.total_s,
            wall_s=self.budget.elapsed_s,
            interrupted=self.interrupted,
        )

    def _row(self, one: _Measured, whole: int, gain: float | None) -> SensitivityRow:
        share = one.flops / whole if whole else None
        return SensitivityRow(
            path=one.layer.path,
            kind=one.layer.kind,
            error=one.error,
            own=one.own.error() if one.own.elements or one.own.discrete else None,
            quality=one.quality,
            size_bytes=one.layer.size_bytes,
            saved_bytes=self.fake.scheme.saved_bytes(one.layer),
            work_share=share,
            time_saved=None if share is None or gain is None else share * (1 - 1 / max(gain, 1.0)),
            also=one.layer.also,
        )

    def _call_flops(self) -> int:
        try:
            return count_inference(self.model, self.workload.example).flops
        except InvalidArgument:  # the user's own profiler is at work: the layers' own work is the whole then
            return 0

    def _int8_gain(self, hardware: Hardware) -> float | None:
        """Return how many times as fast as float32 a product of integers was here; None where none is computed."""
        if self.fake.scheme.activations == "none":
            return None
        gflops = hardware.ceilings().gflops
        return gflops["int8"] / gflops["float32"] if "int8" in gflops else None


@contextmanager
def _own_words() -> Iterator[None]:
    try:
        yield
    except TautoError:
        raise
    except Exception as error:  # the model's own, whatever it is
        raise ModelError(
            f"model: it cannot be run with layers quantized one by one ({type(error).__name__}: {error})"
        ) from error


def _nothing(skipped: Sequence[SkippedLayer]) -> str:
    if skipped:
        named = "; ".join(f"{layer.path} ({layer.kind}): {layer.reason}" for layer in skipped[:3])
        return f"model: none of its layers can be quantized: {named}."
    return (
        "model: it has no layer that can be quantized. There must be a linear layer, a convolution, an embedding or a "
        "multi-head attention."
    )


def _uncompiled() -> AbstractContextManager[Any]:
    # compiled code would not see that a layer was changed; without the compiler loaded there is none
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()

"""What is worth trying first: expectations from the hardware and the model's layers.

They order the candidates and reject none: only measuring does. The numbers are rough expectations, not measurements:
a wrong one costs time, never a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tauto.hardware import Hardware
from tauto.recipes import Recipe, Step
from tauto.tuning.traits import Traits

__all__ = ["expected_effort", "expected_speedup"]

_SELF_FOLDING = {"openvino", "onnxruntime", "int8_static"}


@dataclass(frozen=True, slots=True)
class _Situation:
    """A step's surroundings: the machine's gain from narrower numbers, the model, and the engine that runs it."""

    bfloat16_gain: float
    int8_gain: float
    traits: Traits
    engine: str | None
    freezing: bool
    batch: int


def expected_speedup(recipe: Recipe, traits: Traits, hardware: Hardware, batch: int) -> tuple[float, ...]:
    """Return the expected speedup of each step of ``recipe`` in the company of the others.

    A step that adds nothing beside the others has exactly 1.
    """
    gflops = hardware.ceilings().gflops
    fp32 = gflops["float32"]
    engine = recipe.engine
    situation = _Situation(
        bfloat16_gain=gflops.get("bfloat16", 0.0) / fp32,
        int8_gain=gflops.get("int8", 0.0) / fp32,
        traits=traits,
        engine=engine.name if engine else None,
        freezing=bool(getattr(engine.config, "freezing", False)) if engine else False,
        batch=batch,
    )
    return tuple(_expect(step, situation) for step in recipe.steps)


def expected_effort(recipe: Recipe) -> float:
    """Return how long ``recipe`` is expected to take to be prepared and tried, in exports of the model to an engine."""
    return 1.0 + sum(_EFFORTS.get(step.name, lambda _: 0.0)(step.config) for step in recipe.steps)


def _expect(step: Step, at: _Situation) -> float:
    rule = _RULES.get(step.name)
    return rule(step, at) if rule else 1.05


def _fold_batchnorm(_: Step, at: _Situation) -> float:
    return 1.0 if at.engine in _SELF_FOLDING or at.freezing else 1.1


def _channels_last(_: Step, at: _Situation) -> float:
    return 1.0 if at.freezing else 1.1


def _sparse_kernels(_: Step, at: _Situation) -> float:
    if at.traits.convolutional:
        return 1.05  # it reaches the linear layers only
    return 1.1 if at.batch == 1 else 1.7 if at.batch <= 64 else 1.2  # MKL's lead is smaller over large products


def _narrow_float(step: Step, at: _Situation) -> float:
    gain = min(3.0, max(0.3, 0.7 * at.bfloat16_gain))
    if step.name == "float16" or getattr(step.config, "mode", "cast") == "autocast":
        gain *= 0.9  # autocast converts at every operator, and float16 has fewer kernels on a CPU
    return gain


def _int8_dynamic(_: Step, at: _Situation) -> float:
    if at.traits.convolutional:
        return 0.95  # it reaches the linear layers only
    return 0.6 if at.traits.small else min(2.0, 0.5 * at.int8_gain)


def _compile(_: Step, at: _Situation) -> float:
    if at.traits.small:
        return 1.2
    return (1.6 if at.traits.convolutional else 1.2) * (1.2 if at.freezing else 1.0)


def _aot_inductor(_: Step, at: _Situation) -> float:
    if at.traits.small:
        return 1.3  # no guards: of a small network's call they are a part
    return 1.4 if at.traits.convolutional else 1.2


def _int8_static(_: Step, at: _Situation) -> float:
    if at.traits.small:
        return 1.1
    # what compiling brings, and the kernels of oneDNN; between them numbers are rounded and widened again
    return (1.9 if at.traits.convolutional else 1.2) * min(2.0, max(0.5, 0.4 * at.int8_gain))


def _narrow_weights(step: Step, at: _Situation) -> float:
    if step.name == "float8":
        return 1.5  # on a GPU alone
    if at.traits.convolutional and at.engine == "compile":
        return 1.0  # it reaches the linear layers only
    if at.engine == "compile" and not at.traits.small:
        return 1.1  # the weights are widened inside of the product
    return 0.4


def _onnxruntime(step: Step, at: _Situation) -> float:
    precision = getattr(step.config, "precision", "float32")
    if precision.endswith("_weights"):
        return 0.6
    if precision != "float32" and at.traits.small and not at.traits.convolutional:
        return 2.0 * min(0.8, 0.2 * at.int8_gain)  # the weights are read once a call: a quarter of the bytes
    if precision == "int8_static":
        gain = min(2.5, max(0.5, 0.5 * at.int8_gain))
        return 1.3 * gain if at.traits.convolutional else gain
    if precision != "float32":
        return 0.7 if at.traits.convolutional else min(2.5, 0.6 * at.int8_gain)
    return 2.0 if at.traits.small or at.traits.convolutional else 1.1


def _openvino(step: Step, at: _Situation) -> float:
    base = 1.5 if at.traits.small else 2.2 if at.traits.convolutional else 1.3
    base *= 0.95 if getattr(step.config, "streams", None) else 1.0  # once the same in one piece is known
    precision = getattr(step.config, "precision", "float32")
    if precision.endswith("_weights"):
        return 0.9 * base
    if precision == "bfloat16":
        return base * min(4.0, max(0.3, 0.8 * at.bfloat16_gain))
    if precision == "int8":
        return base * min(4.0, max(1.0, 0.6 * at.int8_gain)) * (0.8 if at.traits.small else 1.0)
    return base


def _threads(_: Step, at: _Situation) -> float:
    return 1.15 if at.traits.small and at.batch <= 4 else 0.7


def _split_batch(step: Step, at: _Situation) -> float:
    return 1.05 if at.traits.convolutional and not at.traits.small and at.batch >= 8 else 0.8


def _distill(step: Step, _: _Situation) -> float:
    return 1.3 if step.config.student == "half-width" else 1.6  # type: ignore[attr-defined]


def _calibrates(config: Any) -> float:
    return 1.0 if getattr(config, "precision", "").startswith("int8") else 0.0


_EFFORTS: dict[str, Callable[[Any], float]] = {
    "aot_inductor": lambda _: 5.0,
    "compile": lambda _: 4.0,
    "int8_static": lambda _: 5.0,
    "openvino": _calibrates,
    "onnxruntime": _calibrates,
    **dict.fromkeys(("prune", "factorize", "distill", "qat", "prune_weights"), lambda _: 3.0),
}
_RULES: dict[str, Callable[[Any, _Situation], float]] = {
    "distill": _distill,
    "prune": lambda *_: 1.5,
    "factorize": lambda *_: 1.2,
    "prune_weights": lambda *_: 1.0,
    "qat": lambda *_: 1.0,
    "fold_batchnorm": _fold_batchnorm,
    "channels_last": _channels_last,
    "sparse_kernels": _sparse_kernels,
    "bfloat16": _narrow_float,
    "float16": _narrow_float,
    "int8_dynamic": _int8_dynamic,
    "int8_static": _int8_static,
    "int8_weights": _narrow_weights,
    "int4_weights": _narrow_weights,
    "float8": _narrow_weights,
    "aot_inductor": _aot_inductor,
    "compile": _compile,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "split_batch": _split_batch,
    "threads": _threads,
}

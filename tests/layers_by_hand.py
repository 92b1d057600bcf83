"""Comparisons of layers made by hand, for the tests of all that shows, keeps or returns one."""

from __future__ import annotations

import math
from dataclasses import replace

from tauto.reports import Conditions, LayerError, LayerRow, LayersReport, UnmatchedLayer

NONE = LayerError(math.inf, 0.0, 1.0, 0.0, None, 0)


def off(relative: float) -> LayerError:
    return LayerError(-20 * math.log10(relative), relative, 1 - relative**2 / 2, relative * 3, None, 0)


def row(path: str, error: LayerError, own: LayerError | None, inherited: float | None, reason: str = "") -> LayerRow:
    return LayerRow(path, "Linear", "Linear (Int8Tensor)", (), 1, error, own, inherited, reason)


def layers() -> LayersReport:
    """A network of which the second layer is fragile."""
    rows = (
        replace(row("stem.conv", off(0.01), off(0.01), 0.0), kind="Conv2d", became="ConvReLU2d", absorbed=("stem.bn",)),
        row("stages.0", off(0.2), off(0.19), 0.015),
        row("stages.1", off(0.12), NONE, 0.12),
        row("head", off(0.11), None, None, reason="it takes inputs of other shapes than the original"),
    )
    rest = (
        UnmatchedLayer("aux", "Linear", "both", "never called with these inputs"),
        UnmatchedLayer("stages.2", "Block", "original", "the other has no layer of this name"),
        UnmatchedLayer("quant", "Quantize", "optimized", "the original has no layer of this name"),
    )
    return LayersReport(
        original="net",
        optimized="fast",
        output=off(0.11),
        rows=rows,
        unmatched=rest,
        closed="",
        uncompiled=("fast",),
        starts="stem.conv",
        worst="stages.0",
        samples=256,
        batches=8,
        conditions=Conditions("Intel Xeon, 2 cores", "4f2a9c01", "cpu", 2, ("float32[32, 1, 8, 8]",), 32),
    )


def closed_layers() -> LayersReport:
    """One of which nothing but the outputs could be compared."""
    words = "fast is one piece (OpenVINO): no layers are called inside it that could be looked into"
    return replace(
        layers(), rows=(), unmatched=(), closed=words, starts=None, worst=None, uncompiled=(), samples=1, batches=1
    )


def every_layers() -> tuple[LayersReport, ...]:
    same = tuple(replace(one, error=NONE, own=NONE, inherited=0.0, own_reason="") for one in layers().rows)
    broken = LayerError(-math.inf, math.inf, None, math.inf, None, 17)
    integers = LayerError(None, None, None, None, 0.031, 0)
    return (
        layers(),
        closed_layers(),
        replace(layers(), rows=same, output=NONE, starts=None, worst=None, unmatched=()),
        replace(layers(), output=broken, rows=(row("head", broken, broken, math.inf),), starts="head", worst="head"),
        replace(layers(), output=integers, rows=(row("head", integers, integers, None),), starts="head", worst="head"),
    )


def hostile_layers(words: str) -> LayersReport:
    """One in which every name and reason is what a user or a library may have written."""
    odd = LayerRow(words, words, words, (words,), 1, off(0.5), None, None, words)
    return replace(
        layers(),
        original=words,
        optimized=words,
        rows=(odd, *layers().rows),
        unmatched=(UnmatchedLayer(words, words, "original", words), UnmatchedLayer(words, words, "both", words)),
        closed=words,
        uncompiled=(words,),
        starts=words,
        worst=words,
    )

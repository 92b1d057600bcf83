"""Analyses of sensitivity made by hand, for the tests of all that shows, keeps or returns one."""

from __future__ import annotations

import math
from dataclasses import replace

from layers_by_hand import off

from tauto.reports import (
    ChannelMap,
    Conditions,
    ControlReport,
    ControlStep,
    DropConfidence,
    KeptLayer,
    KernelNote,
    LayerError,
    ModelLayer,
    Quality,
    SensitivityReport,
    SensitivityRow,
    TuningReport,
    UnmeasuredLayer,
    WeightPicture,
)

EXACT = LayerError(math.inf, 0.0, 1.0, 0.0, None, 0)


def quality(drop: float, name: str = "accuracy") -> Quality:
    return Quality(name, 0.97, 0.97 - drop, drop, 0.0097, True, drop <= 0.0097)


def row(path: str, error: LayerError | None, drop: float | None = None) -> SensitivityRow:
    told = () if drop is None else (quality(drop),)
    return SensitivityRow(path, "Linear", error, off(0.01), told, 40_000, 29_000, 0.31, 0.24)


def sensitivity() -> SensitivityReport:
    """A network of which the second layer is fragile."""
    return SensitivityReport(
        model="net",
        bits=8,
        activations="static",
        rows=(
            row("stages.1", off(0.4), 0.21),
            row("stem", off(0.02), 0.0),
            replace(row("head", EXACT, -0.001), also=("embed",)),
            row("late", None),
        ),
        unmeasured=(UnmeasuredLayer("aux", "Conv2d", "never called with these inputs"),),
        together=off(0.41),
        together_quality=(quality(0.22),),
        quality_rule="accuracy may get worse by at most 1%",
        evaluated=3,
        samples=256,
        batches=8,
        size_bytes=170_000,
        conditions=Conditions("Intel Xeon, 2 cores", "4f2a9c01", "cpu", 2, ("float32[32, 1, 8, 8]",), 32),
        budget_s=60.0,
        wall_s=12.5,
    )


def bare_sensitivity() -> SensitivityReport:
    """One without ``evaluate``, of weights alone, stopped at once."""
    rows = (replace(row("fc", None), own=None, work_share=None, time_saved=None),)
    return replace(
        sensitivity(),
        bits=4,
        activations="none",
        rows=rows,
        unmeasured=(),
        together=None,
        together_quality=(),
        evaluated=0,
        samples=1,
        batches=1,
        interrupted=True,
    )


def hostile_sensitivity(text: str) -> SensitivityReport:
    """One whose every name is ``text``."""
    found = sensitivity()
    named = tuple(replace(one, path=text, kind=text, also=(text,), quality=(quality(0.1, text),)) for one in found.rows)
    unmeasured = (UnmeasuredLayer(text, text, text),)
    return replace(found, model=text, rows=named, unmeasured=unmeasured, quality_rule=text)


def every_sensitivity() -> tuple[SensitivityReport, ...]:
    return sensitivity(), bare_sensitivity(), replace(sensitivity(), rows=())


def control(met: bool = True) -> ControlReport:
    """Quality control that found two layers, or did not get there."""
    kept = (KeptLayer("stages.1", "Linear", 7.9, 0.21), KeptLayer("head", "Linear", 31.0, None))
    return ControlReport(
        base="openvino (int8)",
        base_trial=5,
        met=met,
        trial=7 if met else 6,
        kept=kept,
        layers=12,
        steps=(ControlStep(6, 1, 0.02, 0.0097, False), ControlStep(7, 2, 0.001, 0.0097, met)),
        reranked=0 if met else 1,
        samples=256,
        reason="" if met else "the budget left no time for more",
    )


def confidence() -> tuple[DropConfidence, ...]:
    return (
        DropConfidence("accuracy", 0.001, 0.0097, -0.004, 0.0061, 360, 0.0),
        DropConfidence("f1", 0.001, 0.0097, None, None, 360, None, "the metric is no share of the 360 samples"),
        DropConfidence("loss", 0.01, 0.02, -0.01, 0.03, None, 0.01),
    )


def notes() -> tuple[KernelNote, ...]:
    return (
        KernelNote("machine", (), "this CPU has no 8-bit dot product", "objective='size'"),
        KernelNote("depthwise convolutions", ("stem.0", "stem.3"), "reading decides how fast they are"),
    )


def hostile_control(text: str, report: TuningReport) -> TuningReport:
    """``report`` with quality control in which every name is ``text``."""
    kept = (KeptLayer(text, text, 7.9, 0.21),)
    return replace(
        report,
        before=(KernelNote(text, (text,), text, text),),
        control=(replace(control(), base=text, kept=kept), replace(control(False), base=text, kept=kept, reason=text)),
        confidence=(DropConfidence(text, 0.001, 0.0097, None, None, 360, None, text),),
        layers=(ModelLayer(text, text, text, 0.0, 4_000, 1_100, 34.0, text),),
        pictures=(replace(weight_picture(), name=text, kind=text, pattern=text, corner=(text,), tenths=()),),
        channels=(ChannelMap(text, text, 4, 2, (text,)),),
    )


def weight_picture() -> WeightPicture:
    """A weight of 16 × 8, two of every four at zero."""
    return WeightPicture(
        "stages.1",
        "Linear",
        (16, 8),
        (16, 8),
        -0.5,
        0.5,
        (1, 30, 60, 36, 1),
        (1, 30, 2, 30, 1),
        0.0,
        0.5,
        "2:4",
        ("#.#..##.",) * 16,
        ("555555555", "5A5550555"),
    )


def channel_maps() -> tuple[ChannelMap, ...]:
    return (
        ChannelMap("stem", "channels", 8, 3, ("#..#...#",)),
        ChannelMap("wide", "channels", 128, 64, ("#" * 64, "." * 64)),
        ChannelMap("endless", "channels", 1_000_000, 64),
    )


def model_layers() -> tuple[ModelLayer, ...]:
    return (
        ModelLayer("stem", "Conv2d", "int8", 0.0, 4_000, 1_100, 34.0),
        ModelLayer("stages.1", "Linear", "float32", 0.5, 40_000, 40_000, 7.9),
        ModelLayer("bn", "BatchNorm2d", None, None, 128, None, None, "it is no part of the optimized model any more"),
    )

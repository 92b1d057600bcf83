"""What compiling met, written by hand."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports import Compilation, GraphBreak, Interval, ShapeTrial, TuningReport

GUARD = "dimension 0 of x is 8, and it was compiled for 4"


def compilation() -> Compilation:
    """A model cut in two; a doubled batch is compiled for again, unless sizes may vary."""
    return Compilation(
        graphs=2,
        breaks=(
            GraphBreak("net.py:8", "if y.mean() > 0:", "an `if` asks for a tensor's value", "torch.where", False),
            GraphBreak("", "", "torch's own words: something new", "", True),
        ),
        failure="",
        first_shapes=("float32[4, 8]",),
        second_shapes=("float32[8, 8]",),
        second_from="doubled batch",
        second_missing="",
        shapes=(
            ShapeTrial("automatic", 2, (GUARD,)),
            ShapeTrial("no", 2, (GUARD,)),
            ShapeTrial("yes", 0, ()),
        ),
        varies=False,
        asked=None,
        dynamic=False,
        price=1.25,
        price_interval=Interval(1.15, 1.36),
        cache="~/.cache/tauto/compiled",
        cache_bytes=12_300_000,
    )


def untraced() -> Compilation:
    """A model that the compiler could not follow."""
    return replace(
        compilation(),
        graphs=None,
        breaks=(),
        failure="the compiler cannot follow the model's Python at net.py:8: no",
        second_shapes=(),
        second_from="none",
        shapes=(),
        dynamic=None,
        price=None,
        price_interval=None,
    )


def compiled(found: TuningReport) -> tuple[TuningReport, ...]:
    """Return a search as ``compile`` reports it, with either."""
    return tuple(replace(found, verb="compile", compilation=one) for one in (compilation(), untraced()))


def hostile_compilation(evil: str, found: TuningReport) -> TuningReport:
    """Return one whose every word is ``evil``."""
    cut = GraphBreak(evil, evil, evil, evil, True)
    shapes = (ShapeTrial("automatic", 1, (evil,)), ShapeTrial("yes", 1, (evil,), evil))
    met = replace(compilation(), breaks=(cut,), first_shapes=(evil,), second_shapes=(evil,), shapes=shapes, cache=evil)
    return replace(found, verb="compile", compilation=met)

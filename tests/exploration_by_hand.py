"""A model explored at a few settings, by hand."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports import ExplorationKnob, ExplorationReport, ExploredSetting

KNOBS = (
    ExplorationKnob("batch", "Batch", (1, 4, 8), 4),
    ExplorationKnob("precision", "Precision", ("float32", "bfloat16", "int8"), "float32", {"int8": "no such thing."}),
    ExplorationKnob("sparsity", "Channels cut", (0.0, 0.5), 0.0),
)


def explored(setting, speedup=2.0, title="bfloat16"):
    """One that was measured."""
    from reports_by_hand import comparison, recipe  # which lists these reports

    return ExploredSetting(setting, recipe(title), comparison(speedup), f"faster: {speedup:.2f}× (1.90–2.10)", 3.0)


def refused(setting, reason="the model refuses inputs of this size"):
    """One that could not be."""
    return ExploredSetting(setting, None, None, reason, 0.0)


def exploration(settings=None, model="net"):
    """A report of some settings, or of these."""
    from reports_by_hand import conditions

    if settings is None:
        settings = (
            explored({"batch": 4, "precision": "bfloat16", "sparsity": 0.0}),
            explored({"batch": 8, "precision": "bfloat16", "sparsity": 0.5}, 3.5),
            refused({"batch": 1, "precision": "int8", "sparsity": 0.0}),
        )
    return ExplorationReport(model, conditions(), "outputs within cosine ≥ 0.99", KNOBS, tuple(settings))


def hostile_exploration(text):
    """Every word of it is the user's."""
    knob = ExplorationKnob(text, text, (text, "float32"), "float32", {text: text})
    settings = refused({text: text}, text), explored({text: text})
    return replace(exploration(settings, text), quality_rule=text, knobs=(knob,))

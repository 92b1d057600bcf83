"""The machine that a search is for: this one, this one held to what another has, or one that is not at hand."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tauto.hardware import THIS_MACHINE, Hardware, Held, target
from tauto.recipes import Recipe
from tauto.reports import NotTried, TargetNote
from tauto.techniques import Technique
from tauto.tuning.rules import expected_speedup
from tauto.tuning.space import Space, legal_space
from tauto.tuning.traits import traits_of
from tauto.workload import Workload

__all__ = ["Destination", "destination", "estimate_words", "expected_space"]

_ENGINES = {"onnx": "onnxruntime", "openvino": "openvino"}
MEASURE_THERE = "tauto apply recipe.yaml MODEL --inputs INPUTS"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a model is to run.

    Parameters
    ----------
    name : str
        As it was asked for, or the file's without its suffix.
    hardware : Hardware
        What techniques and rules go by.
    here : Hardware
        This machine.
    held : Held
        What trials are held to, so that this machine stands in for it.
    elsewhere : str
        Why this machine cannot stand in for it; empty where it can.
    engine : str or None
        The only engine whose form of a model arrives there.
    without : tuple of str
        Techniques that are not to be used there.
    """

    name: str
    hardware: Hardware
    here: Hardware
    held: Held = field(default_factory=Held)
    elsewhere: str = ""
    engine: str | None = None
    without: tuple[str, ...] = ()

    def takes(self, recipe: Recipe) -> bool:
        """Return whether what ``recipe`` makes arrives there."""
        return self.engine is None or (recipe.engine is not None and recipe.engine.name == self.engine)

    def usable(self, chosen: Collection[Technique]) -> tuple[list[Technique], list[NotTried]]:
        """Return the techniques that can be tried for this machine, and those that cannot, with the reason."""
        usable, left_out = [], []
        for item in chosen:
            if item.name in self.without:
                left_out.append(NotTried(item.name, f"it is not to be used on {self.name}, as its file says"))
            elif item.own_kernels and self.held.lacking:
                sets = " and ".join(self.held.lacking)
                reason = f"its kernels cannot be kept from {sets} here: its time would not be that of {self.name}"
                left_out.append(NotTried(item.name, reason, MEASURE_THERE))
            else:
                usable.append(item)
        return usable, left_out

    def note(self, recipe: Recipe | None, expected: Mapping[str, float]) -> TargetNote | None:
        """Return what a report tells of it, with what is expected of ``recipe``; None for this machine as it is."""
        if self.name == THIS_MACHINE:
            return None
        gain = expected.get(recipe.digest) if recipe else None
        return TargetNote(self.name, self.held.words, self.elsewhere, MEASURE_THERE, gain)


def destination(name: str | Path, device: str) -> Destination:
    """Return the machine of this name, or of this YAML file, for models that are on ``device`` here.

    Raises
    ------
    InvalidArgument
        When there is none, or its file is wrong: its line is named.
    """
    here = Hardware.current(device)
    if str(name) == THIS_MACHINE:
        return Destination(THIS_MACHINE, here, here)
    described, short = target(name), Path(name).stem
    found = Destination(
        short,
        described.hardware(short),
        here,
        elsewhere=described.why_not_here(here),
        engine=_ENGINES[described.export] if described.export else None,
        without=described.without,
    )
    if found.elsewhere:
        return found
    return replace(found, hardware=described.hardware(short, here), held=described.held(here))


def expected_space(workload: Workload, there: Destination, chosen: Collection[Technique]) -> Space:
    """Return what the rules expect to be faster there, the best first, with what they expect.

    Where the target takes one form alone, what makes that form is among them whatever is expected of it.
    """
    space = legal_space(workload, there.hardware, chosen, there.takes)
    traits, batch = traits_of(workload), workload.example.batch
    gains = {one.digest: math.prod(expected_speedup(one, traits, there.hardware, batch)) for one in space.recipes}
    hopeful = [one for one in space.recipes if gains[one.digest] > 1 or there.engine]
    hopeful.sort(key=lambda one: -gains[one.digest])
    return replace(space, recipes=tuple(hopeful), expected={one.digest: gains[one.digest] for one in hopeful})


def estimate_words(target: TargetNote, recipe: Recipe | None, *, quality_held: bool | None) -> str:
    """Return what is expected of ``recipe`` there, in words, and how to know."""
    title = recipe.title if recipe else "the original"
    gain = f"{target.expected:.1f}×" if target.expected else "no"
    quality = "its quality holds here" if quality_held else "no quality could be judged"
    return (
        f"{title} is expected to be {gain} faster on {target.name}: estimated, not measured, since {target.elsewhere}; "
        f"{quality}; measure it there: {target.command}"
    )

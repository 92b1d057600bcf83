"""Whether trials all fail for one reason, so that more of them would tell nothing new."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from tauto.tuning.hyperparameters import account

__all__ = ["ALIKE", "all_alike", "failing_alike"]

ALIKE = 5
"""So many failures of one kind in a row, and no trial that worked: the search ends."""
_ALIKE_WITHOUT_KNOBS = 2
"""Of trials that fail before they ask for a knob: nothing differs between them."""
_VARYING = re.compile(r"0x[0-9a-fA-F]+|\d+")


def failing_alike(trials: Sequence[FrozenTrial]) -> str:
    """Return how the last of ``trials`` failed, where none worked and enough failed alike; else nothing."""
    failed = _failed(trials)
    enough = ALIKE if any(one.params for one in failed) else _ALIKE_WITHOUT_KNOBS
    last = failed[-enough:]
    if len(last) < enough or not _same(last):
        return ""
    return f"{len(last)} trials in a row all failed alike: each {_reason(last[-1])}"


def all_alike(trials: Sequence[FrozenTrial]) -> str:
    """Return how ``trials`` failed, where all did and alike, be they few; else nothing."""
    failed = _failed(trials)
    if not failed or not _same(failed):
        return ""
    if len(failed) == 1:
        return f"it {_reason(failed[0])}"
    return f"they all failed alike: each {_reason(failed[-1])}"


def _failed(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return those that failed by themselves; none where any worked."""
    if any(one.state in (TrialState.COMPLETE, TrialState.PRUNED) for one in trials):
        return []
    return [one for one in trials if one.state == TrialState.FAIL and account.REASON in one.user_attrs]


def _same(failed: Sequence[FrozenTrial]) -> bool:
    return len({_VARYING.sub("", _reason(one)) for one in failed}) == 1


def _reason(one: FrozenTrial) -> str:
    return str(one.user_attrs[account.REASON])

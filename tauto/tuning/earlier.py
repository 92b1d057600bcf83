"""What earlier runs on this machine found for models of the same kind: it is tried first."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.errors import InvalidArgument
from tauto.reports import RunRow, TuningReport
from tauto.store import Store, StoreError

__all__ = ["earlier_winners"]

_LOOKED_AT = 20
"""As many of the latest improvements on this machine."""


def earlier_winners(fingerprint: str, traits: tuple[str, ...], model: str) -> dict[str, str]:
    """Return digests of recipes that improved a model of these traits here, with the run in words.

    Those of a model of the same name come first, then the latest.

    Parameters
    ----------
    fingerprint : str
        Of this machine.
    traits : tuple of str
        Of the model, as :attr:`tauto.tuning.traits.Traits.words` gives them.
    model : str
        Its name.
    """
    store = Store()
    try:
        rows = [row for row in store.list(200, "autotune").rows if _improved_here(row, fingerprint)]
        rows = sorted(rows[:_LOOKED_AT], key=lambda row: row.model != model)
        return dict(_found(store, rows, traits))
    except StoreError:  # told when this run is to be stored
        return {}


def _improved_here(row: RunRow, fingerprint: str) -> bool:
    return row.verdict == "improved" and row.fingerprint == fingerprint


def _found(store: Store, rows: list[RunRow], traits: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    seen = set()
    for row in rows:
        try:
            report = store.get(row.id)
        except InvalidArgument:  # of another version of TAuto
            continue
        if not isinstance(report, TuningReport) or report.winner is None or report.traits != traits:
            continue
        recipe = report.trials[report.winner].recipe
        if recipe.digest not in seen:
            seen.add(recipe.digest)
            yield recipe.digest, f"it was the best for {row.model} on this machine (run {row.id})"

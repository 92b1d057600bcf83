"""The options ``executor`` and ``workers``."""

from __future__ import annotations

from tauto.errors import InvalidArgument, did_you_mean
from tauto.tuning.hyperparameters.places import LocalPlaces, Places
from tauto.verbs.checks import check_count

__all__ = ["EXECUTORS", "parse_places"]

EXECUTORS = ("local", "ray")


def parse_places(executor: str, workers: int) -> Places:
    """Return where trials run: ``"local"``, ``"ray"`` or ``"ray:ADDRESS"``, so many at once.

    Raises
    ------
    InvalidArgument
        When it is none of these.
    MissingDependency
        When Ray is asked for and not installed.
    """
    check_count("workers", workers)
    kind, _, address = executor.partition(":") if isinstance(executor, str) else ("", "", "")
    if kind == "local" and not address:
        return LocalPlaces(workers)
    if kind == "ray":
        from tauto.tuning.hyperparameters.ray_places import RayPlaces  # an optional library

        return RayPlaces(address or None, workers)
    hint = did_you_mean(str(executor), EXECUTORS)
    raise InvalidArgument(f"executor: there is no {executor!r}. {hint} Write 'local', 'ray' or 'ray:ADDRESS'.")

"""The earlier profile that a new one is set against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tauto.config import Settings
from tauto.errors import InvalidArgument, a_kind
from tauto.reports import ProfileReport
from tauto.results import ProfileResult
from tauto.results.last import last_of
from tauto.store import Store

__all__ = ["PREVIOUS", "earlier"]

PREVIOUS = "previous"
"""Stands for the last profile of this process, or else of the store."""


def earlier(against: Any) -> ProfileReport | None:
    """Return the report that ``against`` means: a profile's result, ``"previous"``, or a report saved as JSON.

    Raises
    ------
    InvalidArgument
        When it is none of these, there was no profile before, or the file holds none.
    """
    if against is None:
        return None
    if isinstance(against, ProfileResult):
        return against.report
    if isinstance(against, ProfileReport):
        return against
    if against == PREVIOUS:
        return _previous()
    if isinstance(against, str | Path):
        return _saved(Path(against).expanduser())
    raise InvalidArgument(
        f"against: {a_kind(against)} is no profile. Give the result of a profile, 'previous', or a report "
        "saved as .json."
    )


def _previous() -> ProfileReport:
    if (last := last_of(ProfileResult)) is not None:
        return last.report
    store = Store(Settings.current().store)
    for row in store.list(1, verb="profile").rows:
        report = store.get(row.id)
        if isinstance(report, ProfileReport):
            return report
    raise InvalidArgument("against: nothing was profiled before, in this process or in the store. Profile once first.")


def _saved(path: Path) -> ProfileReport:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"against: {str(path)!r} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise InvalidArgument(
            f"against: {str(path)!r} is no JSON. Write one with result.save('report.json')."
        ) from None
    if not isinstance(data, dict):
        raise InvalidArgument(f"against: {str(path)!r} holds no report. Write one with result.save('report.json').")
    return ProfileReport.from_dict(data)

"""Studies that are there: list, show, export, delete."""

from __future__ import annotations

from pathlib import Path
from typing import overload

from tauto.errors import InvalidArgument
from tauto.results import StudiesResult, StudyResult
from tauto.tuning.hyperparameters.kept import delete_study, list_studies, study_report
from tauto.tuning.study import StorageUrl

__all__ = ["delete", "export", "studies"]


@overload
def studies(name: None = None, *, storage: str | Path | None = None) -> StudiesResult: ...
@overload
def studies(name: str, *, storage: str | Path | None = None) -> StudyResult: ...
def studies(name: str | None = None, *, storage: str | Path | None = None) -> StudiesResult | StudyResult:
    """Return the studies of a storage, latest first, or the one called ``name`` as it stands.

    Parameters
    ----------
    name : str, optional
        Of one study.
    storage : str or Path, optional
        As in :func:`tauto.tune`.

    Raises
    ------
    InvalidArgument
        When there is none of this name.
    StudyError
        When the storage cannot be read.

    Examples
    --------
    >>> tauto.studies("digits").params  # doctest: +SKIP
    {'lr': 0.0031}
    """
    where = StorageUrl.parse(storage)
    return StudiesResult(list_studies(where)) if name is None else StudyResult(study_report(where, name))


def delete(name: str, storage: str | Path | None = None) -> int:
    """Delete the study ``name`` with all its trials, and return how many these were."""
    return delete_study(StorageUrl.parse(storage), name)


def export(name: str, path: str | Path, storage: str | Path | None = None) -> Path:
    """Write the study ``name``: its trials as CSV (``.csv``), or its report as any result is saved.

    Raises
    ------
    InvalidArgument
        When the suffix is none of these, or the file cannot be written.
    """
    if not Path(path).suffix:
        raise InvalidArgument(f"path: {str(path)!r} has no suffix. End the name in .csv, .json, .html, .md or .txt.")
    return studies(name, storage=storage).save(path)

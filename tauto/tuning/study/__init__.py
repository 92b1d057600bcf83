"""What a search keeps in Optuna's storage: where that is, whose trials are whose, and what they are trials of.

The studies are plain ones, which Optuna's own command line and dashboard read. Nothing that stands in a storage is ever
unpickled or run, and no password of its URL is shown.
"""

from tauto.tuning.study.digest import cell_parts, changed_parts, digest_of, function_parts
from tauto.tuning.study.identity import Identity, versions
from tauto.tuning.study.interrupted import (
    MACHINE,
    at_work,
    give_back,
    is_own,
    is_under_way,
    machine_of,
    mark_owner,
    retry_interrupted,
    working,
)
from tauto.tuning.study.opening import Opened, open_study
from tauto.tuning.study.storage import DAMAGE, beat, close_storage, explained, open_storage, quiet, storage_of
from tauto.tuning.study.turn import one_at_a_time
from tauto.tuning.study.url import StorageUrl

__all__ = [
    "DAMAGE",
    "MACHINE",
    "Identity",
    "Opened",
    "StorageUrl",
    "at_work",
    "beat",
    "cell_parts",
    "changed_parts",
    "close_storage",
    "digest_of",
    "explained",
    "function_parts",
    "give_back",
    "is_own",
    "is_under_way",
    "machine_of",
    "mark_owner",
    "one_at_a_time",
    "open_storage",
    "open_study",
    "quiet",
    "retry_interrupted",
    "storage_of",
    "versions",
    "working",
]

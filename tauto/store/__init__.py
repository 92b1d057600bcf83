"""Past runs, kept in a local SQLite file."""

from tauto.store.database import StoreError
from tauto.store.store import Store

__all__ = ["Store", "StoreError"]

"""A changed model as data: how it differs from the user's own class, and its weights. Nothing is pickled."""

from tauto.serialization.kinds import add_kind
from tauto.serialization.reading import read
from tauto.serialization.skeleton import Skeleton
from tauto.serialization.writing import write

__all__ = ["Skeleton", "add_kind", "read", "write"]

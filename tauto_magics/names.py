"""Names in the user's namespace: looked up, dotted ones by getattr, never evaluated."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tauto.errors import a_kind, did_you_mean
from tauto_magics.errors import UsageError, one_line

__all__ = ["CALLABLE", "DECODER", "ITERABLE", "MODEL", "NEW", "PROFILE", "RESULT", "VALUE", "Kind", "Names"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a name is expected to name: words for a person, and the test for close matches."""

    words: str
    accepts: Callable[[object], bool]


def _is_model(value: object) -> bool:
    # no torch loaded, no model: a check must not cost an import
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _is_plain(value: object) -> bool:
    return not isinstance(value, type) and not callable(value) and not isinstance(value, str)


def _is_iterable(value: object) -> bool:
    return _is_plain(value) and isinstance(value, Iterable)


def _is_function(value: object) -> bool:
    return callable(value) and not isinstance(value, type) and not _is_model(value)


def _is_result(value: object) -> bool:
    kind = type(value)
    return hasattr(kind, "recipe") or kind.__name__ == "Recipe" or (isinstance(value, dict) and "steps" in value)


def _is_profile(value: object) -> bool:
    return type(value).__name__ == "ProfileResult"


def _is_decoder(value: object) -> bool:
    return _is_model(value) or type(value).__name__ == "Decoder"


MODEL = Kind("torch.nn.Module", _is_model)
DECODER = Kind("torch.nn.Module or tauto.Decoder", _is_decoder)
ITERABLE = Kind("iterable of batches", _is_iterable)
CALLABLE = Kind("function", _is_function)
VALUE = Kind("value", _is_plain)
RESULT = Kind("result or recipe", _is_result)
PROFILE = Kind("profile", _is_profile)
NEW = Kind("new name", lambda value: False)


class Names:
    """The user's names, as a magic may read and write them.

    Parameters
    ----------
    namespace : dict
        The user's namespace itself.
    hidden : mapping
        Names that are not the user's own (``In``, ``Out``, ``get_ipython`` …).
    """

    def __init__(self, namespace: dict[str, Any], hidden: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self._hidden = hidden

    def of(self, kind: Kind) -> list[str]:
        """Return the user's names of things of ``kind``."""
        return sorted(
            name
            for name, value in list(self.namespace.items())
            if not name.startswith("_") and name not in self._hidden and kind.accepts(value)
        )

    def find(self, name: str, kind: Kind) -> Any:
        """Return what ``name`` names; a dotted name is followed attribute by attribute.

        Raises
        ------
        UsageError
            When there is none; the message has close matches among the names of ``kind``.
        """
        first, *attributes = name.split(".")
        if not all(part.isidentifier() for part in (first, *attributes)):
            raise UsageError(f"{name!r} is not a name. Give the {kind.words} a name first, then write that.")
        if first not in self.namespace:
            raise UsageError(f"there is no name {first!r} here. {self._instead(first, kind)}")
        value, so_far = self.namespace[first], first
        for attribute in attributes:
            value = _attribute(value, so_far, attribute)
            so_far += f".{attribute}"
        return value

    def model(self, name: str) -> Any:
        """Return the model called ``name``, or say that it is none."""
        value = self.find(name, MODEL)
        if isinstance(value, type):
            raise UsageError(f"{name!r} is a class. Make an instance of it first: model = {name}(…).")
        if not _is_model(value):
            raise UsageError(f"{name!r} is {a_kind(value)}, not a torch.nn.Module. {self._instead('', MODEL)}")
        return value

    def check_new(self, name: str, taken: Iterable[str | None]) -> None:
        """Say so when ``name`` may not be written: not a name, reserved, or one that this line reads.

        Raises
        ------
        UsageError
            Before any work is done.
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"--into: {name!r} is not a name that Python allows. Write one such as 'fast'.")
        if hasattr(builtins, name) or name in self._hidden:
            raise UsageError(f"--into: {name!r} is a name of Python's or IPython's own. Write another, such as 'fast'.")
        if name in {read.partition(".")[0] for read in taken if read}:
            raise UsageError(f"--into: {name!r} is read by this line and would be lost. Write another, such as 'fast'.")

    def _instead(self, name: str, kind: Kind) -> str:
        known = self.of(kind)
        if not known:
            return f"No {kind.words} has a name here yet: run the cell that makes it first."
        return did_you_mean(name, known) or f"Names of a {kind.words}: {', '.join(known[:12])} …"


def _attribute(value: object, path: str, attribute: str) -> Any:
    try:
        return getattr(value, attribute)
    except AttributeError:
        public = [known for known in dir(value) if not known.startswith("_")]
        close = did_you_mean(attribute, public)
        raise UsageError(f"{path!r} has no attribute {attribute!r}. {close}".rstrip()) from None
    except Exception as error:  # a property of the user's may raise anything
        raise UsageError(f"{path}.{attribute} raised {type(error).__name__}: {one_line(error)}") from None

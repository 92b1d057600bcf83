"""From ``module:name`` or ``file.py:name`` to the thing itself."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["Source", "load"]


class Source:
    """A module or a file of the user's, and the names in it."""

    def __init__(self, text: str, argument: str) -> None:
        self.text = text
        self.module = _file(Path(text), argument) if text.endswith(".py") else _module(text, argument)

    def find(self, name: str, argument: str) -> Any:
        """Return what ``name`` names; a dotted name is followed attribute by attribute.

        Raises
        ------
        InvalidArgument
            When there is none; the message has close matches.
        """
        value: Any = self.module
        where = self.text
        for part in name.split("."):
            if not hasattr(value, part):
                public = [known for known in dir(value) if not known.startswith("_")]
                raise InvalidArgument(
                    f"{argument}: there is no {part!r} in {where}. {did_you_mean(part, public)}".rstrip()
                )
            value = getattr(value, part)
            where = f"{where}:{part}" if value is not self.module else where
        return value


def load(text: str, argument: str, beside: Source | None = None) -> tuple[Any, str, Source]:
    """Return what ``text`` names, its bare name, and where it was found.

    Parameters
    ----------
    text : str
        ``module:name``, ``file.py:name``, or a bare name beside the model.
    argument : str
        What the error says was wrong.
    beside : Source, optional
        Where a bare name is looked up.

    Raises
    ------
    InvalidArgument
        When it is not of that form, or there is no such file, module or name.
    """
    origin, colon, name = text.rpartition(":")
    if not name or (not colon and beside is None):
        raise InvalidArgument(f"{argument}: {text!r} names nothing. Write module:name or file.py:name.")
    source = Source(origin, argument) if colon else beside
    assert source is not None  # for the type checker: no colon and nothing beside was refused above
    return source.find(name, argument), name, source


def _module(name: str, argument: str) -> ModuleType:
    _search(Path.cwd())
    if not all(part.isidentifier() for part in name.split(".")):
        raise InvalidArgument(f"{argument}: {name!r} is neither a module nor a .py file.")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise InvalidArgument(
                f"{argument}: there is no module {error.name!r}. Write module:name, or file.py:name for a file."
            ) from None
        raise _broken(name, argument, error) from None
    except Exception as error:
        raise _broken(name, argument, error) from None


def _file(path: Path, argument: str) -> ModuleType:
    path = path.expanduser().resolve()
    if not path.is_file():
        beside = [str(known.name) for known in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise InvalidArgument(f"{argument}: there is no file {path}. {did_you_mean(path.name, beside)}".rstrip())
    # private, so that a file called torch.py or test.py hides no real module
    private = f"_tauto_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if private in sys.modules:
        return sys.modules[private]
    _search(path.parent)
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None:
        raise InvalidArgument(f"{argument}: {path} cannot be imported as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[private]
        raise _broken(str(path), argument, error) from None
    return module


def _search(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _broken(what: str, argument: str, error: Exception) -> InvalidArgument:
    frames = traceback.extract_tb(error.__traceback__)
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno
    file = error.filename if isinstance(error, SyntaxError) else frames[-1].filename
    return InvalidArgument(f"{argument}: {what} raised {type(error).__name__}: {error} ({file}, line {line})")

"""Why a model could not be compiled, in one sentence and a line: no stack of the compiler's own frames."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tauto.techniques.engines.dynamo.causes import cause_of_break
from tauto.techniques.engines.dynamo.lines import UserLine, user_line

__all__ = ["Failure", "failure_of"]

_LONGEST = 160
_GOT = re.compile(r"got (?P<kind>\w+)\(['\"](?P<text>.*?)['\"]\)\s*$", re.MULTILINE)
_NOISE = ("Set TORCHDYNAMO_VERBOSE", "Explanation:", "Hint:", "Developer debug context", "For more details about")


@dataclass(frozen=True, slots=True)
class Failure:
    """How compiling failed.

    Parameters
    ----------
    kind : str
        What failed, in words.
    reason : str
        The first line of torch's own words.
    line : UserLine or None
        Of the user's code.
    advice : str
        What to try; may be empty.
    """

    kind: str
    reason: str
    line: UserLine | None = None
    advice: str = ""

    @property
    def words(self) -> str:
        """All of it in one line."""
        where = f" at {self.line.place}" if self.line else ""
        code = f" ({self.line.code})" if self.line and self.line.code else ""
        advice = f". To try: {self.advice}" if self.advice else ""
        return f"{self.kind}{where}{code}: {self.reason.rstrip('. ')}{advice}"


_KINDS: dict[str, tuple[str, str]] = {
    # class of the error: what failed, what to try
    "Unsupported": ("the compiler cannot follow the model's Python", ""),
    "UserError": ("the compiler cannot follow the model's Python", ""),
    "TorchRuntimeError": (
        "an operator refused its inputs while the model was traced",
        "call the model uncompiled with the same inputs; where that works, a shape or type is not what it seems",
    ),
    "FailOnRecompileLimitHit": (
        "it was compiled anew too often",
        "give what changes between calls as tensors, or compile with dynamic=True",
    ),
    "ConstraintViolationError": (
        "a size that was to vary is a constant in the model",
        "compile for the example's shapes: dynamic=False",
    ),
    "CppCompileError": (
        "the C++ compiler refused what was generated",
        "compile another way (mode='default'); the compiler's version counts: g++ --version",
    ),
    "InvalidCxxCompiler": ("no C++ compiler was found", "install g++, or set CXX to a compiler"),
    "LoweringException": ("an operator could not be turned into a kernel", "compile another way (mode='default')"),
    "OutOfMemoryError": ("memory ran out while compiling", "a smaller batch, or mode='default'"),
    "MemoryError": ("memory ran out while compiling", "a smaller batch, or mode='default'"),
}


def failure_of(error: BaseException) -> Failure:
    """Return in words how compiling failed.

    Parameters
    ----------
    error : BaseException
        As ``torch.compile`` or a call of compiled code raised it; what it carries inside is looked into.

    Examples
    --------
    >>> failure_of(MemoryError("no room")).words
    "memory ran out while compiling: MemoryError: no room. To try: a smaller batch, or mode='default'"
    """
    inner = getattr(error, "inner_exception", None) or error
    names = [kind.__name__ for kind in type(inner).__mro__]
    kind, advice = next((_KINDS[name] for name in names if name in _KINDS), ("the compiler failed", ""))
    text = str(inner)
    if "Unsupported" in names:
        cause = cause_of_break(_first(text), text)
        return Failure(kind, cause.reason, _line(error, inner), cause.advice)
    return Failure(kind, _own_words(inner, text), _line(error, inner), advice)


def _line(error: BaseException, inner: BaseException) -> UserLine | None:
    """Return the user's line that the message, or else the stack which torch kept with it, tells of."""
    for one in (inner, error):
        if (found := user_line(str(one))) is not None:
            return found
        frames = getattr(one, "real_stack", None) or ()
        printed = "\n".join(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames)
        if (found := user_line(printed)) is not None:
            return found
    return None


def _own_words(inner: BaseException, text: str) -> str:
    if (got := _GOT.search(text)) is not None:
        words = f"{got['kind']}: {got['text']}"
    else:
        first = _first(text)
        words = f"{type(inner).__name__}: {first}" if first else type(inner).__name__
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _first(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith(_NOISE)), "")

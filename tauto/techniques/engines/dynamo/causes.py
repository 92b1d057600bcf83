"""The common causes for which the compiler goes back to plain Python, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Cause", "cause_of_break"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it is cut, and what to change (empty where only torch's own words are known)."""

    reason: str
    advice: str = ""


_SCALAR = Cause(
    "a number is taken out of a tensor (.item(), float(), int(), bool()), so Python has to wait for its value",
    "go on with the tensor itself (scale * x works with a tensor of one element), or set "
    "torch._dynamo.config.capture_scalar_outputs = True",
)
_LOGGING = Cause(
    "it writes a log record or a warning in the middle of the model",
    "take it out of forward, or put it under `if not torch.compiler.is_compiling():`",
)
_NUMPY = Cause(
    "a NumPy function is called that the compiler does not know",
    "use torch's own (torch.linalg, torch.fft, …), or do it before the call and give the model the outcome",
)

_TABLE: tuple[tuple[str, str, Cause], ...] = (
    # title of the break, what its details say, what that means
    (
        r"builtin operator",
        r"builtin print\b",
        Cause(
            "print() writes to the screen in the middle of the model",
            "take it out of forward, or put it under `if not torch.compiler.is_compiling():`",
        ),
    ),
    (
        r"builtin operator",
        r"builtin (open|input)\b",
        Cause("it reads or writes a file in the middle of the model", "do it before the call, or in __init__"),
    ),
    (r"Logger|GetAttrVariable comparison", r"logg(ing|er)|LoggingLogger", _LOGGING),
    (r"marked as skipped", r"module: (_warnings|warnings|logging)\b", _LOGGING),
    (r"\.item\(\)|tolist|Data dependent operator|real value from fx", r"", _SCALAR),
    (
        r"Data-dependent (branching|assertion)",
        r"",
        Cause(
            "an `if`, `while` or `assert` asks for a tensor's value, which is known only when the model has run",
            "compute both sides and choose: torch.where(condition, a, b); torch.cond where a side is costly",
        ),
    ),
    (
        r"[Dd]ynamic shape operator|data-dependent output shape",
        r"",
        Cause(
            "the size of a result depends on values (nonzero, a boolean mask as index, unique, repeat_interleave)",
            "keep the size: multiply by the mask or use torch.where; or set "
            "torch._dynamo.config.capture_dynamic_output_shape_ops = True",
        ),
    ),
    (r"numpy|ndarray", r"", _NUMPY),
    (r"marked as skipped", r"module: numpy", _NUMPY),
    (
        r"compiler\.disable|skip_frame",
        r"",
        Cause(
            "this function is marked torch.compiler.disable",
            "take the mark off, or call it before or after the rest",
        ),
    ),
    (
        r"context manager",
        r"",
        Cause(
            "a `with` block is entered that the compiler does not know",
            "open it outside of forward, around the call of the model",
        ),
    ),
    (
        r"[Oo]bserved exception|Failed to raise|Exception",
        r"",
        Cause(
            "an exception is raised or caught in the middle of the model",
            "ask for the condition beforehand (`if key in table:`) in place of try … except",
        ),
    ),
    (
        r"generator",
        r"",
        Cause("a generator is used in a way that cannot be traced", "make it a list: [… for …] in place of (… for …)"),
    ),
    (
        r"marked as skipped",
        r"C extension or builtin",
        Cause(
            "a function written in C cannot be looked into",
            "call it before the model and give it the outcome, or wrap it: torch.library.custom_op",
        ),
    ),
    (
        r"marked as skipped|Failed to trace builtin|unimplemented builtin|implemented in C",
        r"",
        Cause(
            "a function is called that the compiler cannot follow",
            "do it before or after the call, or use a function of torch in its place",
        ),
    ),
    (
        r"backward\(\)|autograd\.grad",
        r"",
        Cause("gradients are computed inside of the model", "compile the inner part alone"),
    ),
    (
        r"[Rr]andom|torch\.Generator",
        r"",
        Cause("random numbers come from outside of torch's own stream", "draw them before the call"),
    ),
    (
        r"[Ss]parse",
        r"",
        Cause("a sparse tensor cannot be traced", "make it dense before the call: tensor.to_dense()"),
    ),
)
_CALLED = re.compile(r"module: (?P<module>[\w.]+), qualname: (?P<name>[\w.]+)|builtin (?P<builtin>\w+) \[")


def cause_of_break(title: str, details: str) -> Cause:
    """Return what a graph break means; torch's own ``title`` where it is none of the common ones.

    Parameters
    ----------
    title : str
        The kind of break, as torch calls it.
    details : str
        Its explanation and debugging context.

    Examples
    --------
    >>> cause_of_break("Data-dependent branching", "").advice.split(":")[0]
    'compute both sides and choose'
    """
    for kind, sign, cause in _TABLE:
        if re.search(kind, title) and (not sign or re.search(sign, details)):
            return Cause(cause.reason + _called(details, cause.reason), cause.advice)
    return Cause(f"torch's own words: {title.rstrip('.')}")


def _called(details: str, reason: str) -> str:
    """Return the name of the function that the details tell of, where the reason speaks of a function."""
    found = _CALLED.search(details)
    if "function" not in reason or found is None:
        return ""
    return f": {found['builtin'] or '.'.join((found['module'], found['name']))}()"

"""Why compiled code did not fit a call: the guards of torch's compiler in plain words."""

from __future__ import annotations

import re

__all__ = ["guard_in_words"]

_NUMBER = re.compile(r"^\d+/\d+: ")
_SIZE = re.compile(
    r"tensor '?(?P<name>.+?)'? (?P<what>size|stride) mismatch at index (?P<dim>\d+)\. "
    r"expected (?P<before>\d+), actual (?P<now>\d+)"
)
_TYPE = re.compile(r"tensor '?(?P<name>.+?)'? dtype mismatch\. expected (?P<before>\S+), actual (?P<now>\S+?)\.?$")
_RANK = re.compile(r"tensor '?(?P<name>.+?)'? rank mismatch\. expected (?P<before>\d+), actual (?P<now>\d+)")
_DUCK = re.compile(r"these variables had the same size (?P<size>\d+)")
_PYTHON = re.compile(r"^(?P<name>(?:L\['\w+'\]|\w+)(?:\.\w+|\[[^\]]+\])*) == (?P<before>\S+)")
_LOCAL = re.compile(r"L\['(\w+)'\]")
_STATE = (
    ("___check_global_state", "torch's own state changed: gradients, threads, autocast or deterministic mode"),
    ("GLOBAL_STATE changed", "torch's own state changed: gradients, threads, autocast or deterministic mode"),
    ("___check_obj_id", "another object stands in its place"),
    ("___check_type_id", "it is of another type"),
    ("requires_grad mismatch", "one needs a gradient and the other does not"),
    ("cache_size_limit", "it was compiled as often as torch allows"),
    ("recompile_limit", "it was compiled as often as torch allows"),
)


def guard_in_words(reason: str) -> str:
    """Return the first guard that failed in plain words; torch's own where it is none of the common ones.

    Parameters
    ----------
    reason : str
        As ``CompilationMetrics.recompile_reason`` has it.

    Examples
    --------
    >>> guard_in_words("0/0: tensor 'x' size mismatch at index 0. expected 4, actual 8")
    'dimension 0 of x is 8, and it was compiled for 4'
    """
    first = _NUMBER.sub("", next(iter(reason.strip().splitlines()), ""))
    if found := _SIZE.search(first):
        what = "dimension" if found["what"] == "size" else "the stride of dimension"
        words = f"{what} {found['dim']} of {_name(found['name'])} is {found['now']}, and it was compiled for "
        alone = " (a size of 1 is always taken for a constant)" if found["before"] == "1" else ""
        return words + found["before"] + alone
    if found := _TYPE.search(first):
        before, now = (found[key].removeprefix("torch.").lower() for key in ("before", "now"))
        return f"{_name(found['name'])} is {now}, and it was compiled for {before}"
    if found := _RANK.search(first):
        return f"{_name(found['name'])} has {found['now']} dimensions, and it was compiled for {found['before']}"
    if found := _DUCK.search(first):
        return (
            f"two sizes that were both {found['size']} differ now, and torch had taken them for one (give an example "
            "whose sizes are all different)"
        )
    if found := _PYTHON.search(first):
        what = _LOCAL.sub(r"\1", found["name"])
        before = found["before"].rstrip(".")
        return f"{what} was {before} when it was compiled, and is another value now (plain Python: keep it as a tensor)"
    for sign, words in _STATE:
        if sign in first:
            return words
    return _LOCAL.sub(r"\1", first.partition("  # ")[0]).rstrip(". ")


def _name(text: str) -> str:
    """Return what the tensor is called in the user's code, as far as the guard tells."""
    named = _LOCAL.sub(r"\1", text)
    if item := re.fullmatch(r"args\[(\d+)\]", named):
        return f"argument {int(item[1]) + 1}"
    if item := re.fullmatch(r"kwargs\['(\w+)'\]", named):
        return item[1]
    return named

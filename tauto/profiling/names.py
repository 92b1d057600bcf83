"""What the user calls a model, an optimizer, a loader."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

__all__ = ["name_of"]


def name_of(thing: object, names: Mapping[str, object]) -> str:
    """Return the name that ``thing`` has in a namespace, dotted for an attribute of a named object, or "".

    Only the instance dictionaries of objects are looked into, so that no property of the user's runs.

    Examples
    --------
    >>> net = nn.Identity()
    >>> name_of(net, {"net": net})
    'net'
    """
    public = {name: value for name, value in names.items() if not name.startswith("_") and name.isidentifier()}
    for name, value in public.items():
        if value is thing:
            return name
    for name, value in public.items():
        inside = getattr(type(value), "__dict__", {}) and getattr(value, "__dict__", None)
        if not isinstance(inside, dict) or isinstance(value, type):
            continue
        members = inside.get("_modules", {}) if isinstance(value, nn.Module) else inside
        for attribute, member in dict(members).items():
            if member is thing and str(attribute).isidentifier():
                return f"{name}.{attribute}"
    return ""

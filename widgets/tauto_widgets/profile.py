"""The panel of a profile."""

from __future__ import annotations

from tauto_widgets.panel import Panel, front_end

__all__ = ["ProfilePanel"]


class ProfilePanel(Panel):
    """Where time and memory go, to look at: what ``profile.panel()`` returns.

    Examples
    --------
    >>> tauto.profile(model, inputs).panel()  # doctest: +SKIP
    """

    _esm = front_end("profile")

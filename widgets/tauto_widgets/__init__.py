"""Panels: a result to look at and to turn, live in a notebook."""

from tauto_widgets.panel import Panel
from tauto_widgets.profile import ProfilePanel
from tauto_widgets.tune import TunePanel

__all__ = ["Panel", "ProfilePanel", "TunePanel"]

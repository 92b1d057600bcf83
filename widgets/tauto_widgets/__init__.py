"""Panels: a result to look at and to turn, live in a notebook."""

from tauto_widgets.compare import ComparePanel
from tauto_widgets.compression import CompressionPanel
from tauto_widgets.explore import ExplorePanel
from tauto_widgets.history import HistoryPanel
from tauto_widgets.panel import Panel
from tauto_widgets.profile import ProfilePanel
from tauto_widgets.tune import TunePanel

__all__ = [
    "ComparePanel",
    "CompressionPanel",
    "ExplorePanel",
    "HistoryPanel",
    "Panel",
    "ProfilePanel",
    "TunePanel",
]

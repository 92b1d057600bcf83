"""Settings, and the spelling of quantities (``2min``, ``1%``)."""

from tauto.config.quantities import Drop, parse_drop, parse_duration
from tauto.config.settings import Settings

__all__ = ["Drop", "Settings", "parse_drop", "parse_duration"]

"""Settings, the spelling of quantities (``2min``, ``1%``), and what TAuto is used from."""

from tauto.config.constraints import Constraints
from tauto.config.front_end import FrontEnd, front_end, use_front_end, written
from tauto.config.private import make_private
from tauto.config.quantities import Drop, parse_bytes, parse_drop, parse_duration, rounded_up, time_in_words
from tauto.config.settings import Settings

__all__ = [
    "Constraints",
    "Drop",
    "FrontEnd",
    "Settings",
    "front_end",
    "make_private",
    "parse_bytes",
    "parse_drop",
    "parse_duration",
    "rounded_up",
    "time_in_words",
    "use_front_end",
    "written",
]

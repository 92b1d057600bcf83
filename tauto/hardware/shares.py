"""How much of a ceiling was reached, with the ceiling measured again when it was passed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tauto.config.settings import Settings
from tauto.hardware.ceilings import Ceilings, save_ceilings
from tauto.hardware.hardware import Hardware

__all__ = ["Share", "checked_share"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a ceiling.

    Parameters
    ----------
    value : float or None
        Achieved over ceiling, at most 1; None where the machine has no ceiling for the resource.
    unclipped : float or None
        The same as it came out. Above 1 it says that the ceiling, measured twice, was still passed: that the
        work was overcounted, its time undercounted, or that a faster kernel exists than the ceiling's. Such a
        share is to be shown as "over the measured ceiling", not as 100 %.
    ceilings : Ceilings
        Those that hold from here on: hand them to the next call.
    """

    value: float | None
    unclipped: float | None
    ceilings: Ceilings

    @property
    def exceeded(self) -> bool:
        """Whether the ceiling was passed even after it had been measured again."""
        return self.unclipped is not None and self.unclipped > 1


def checked_share(hardware: Hardware, ceilings: Ceilings, achieved: float, resource: str) -> Share:
    """Return which share of a ceiling ``achieved`` is, and the ceilings to go on with.

    A share above 1 means that the ceiling was measured on a busy machine. It is then measured again, once
    (the returned ceilings are marked :attr:`Ceilings.confirmed`, so that a loop over many modules measures
    once, and not for each), the larger is kept, figure by figure, and remembered in the cache.

    Parameters
    ----------
    hardware : Hardware
        The machine that both were measured on.
    ceilings : Ceilings
        From :meth:`Hardware.ceilings`, or from the last :class:`Share`.
    achieved : float
        GFLOP/s for a precision (a multiply and an add count as two), GB/s read plus written for a copy.
    resource : str
        One of :data:`~tauto.hardware.RESOURCES`, such as ``"float32"`` or ``"copy_memory"``.

    Raises
    ------
    InvalidArgument
        When ``resource`` is not one of those.

    Examples
    --------
    >>> share = checked_share(hardware, hardware.ceilings(), 55.0, "float32")  # doctest: +SKIP
    >>> share.value  # doctest: +SKIP
    0.31
    """
    share = ceilings.share(achieved, resource)
    if share is not None and share > 1 and not ceilings.confirmed:
        ceilings = replace(ceilings.larger(hardware.remeasure_ceilings()), confirmed=True)
        save_ceilings(Settings.current().cache, ceilings)
        share = ceilings.share(achieved, resource)
    return Share(None if share is None else min(share, 1.0), share, ceilings)

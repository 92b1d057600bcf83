"""How a line to run is written where the page is read: as a magic, as Python, or as a command of the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.reports import Finding

__all__ = ["Hints"]

_MAGIC = "%tauto_"


@dataclass(frozen=True, slots=True)
class Hints:
    """How to write what a finding proposes.

    Parameters
    ----------
    form : str
        Where the page is read.
    model : str
        At the terminal, what follows the name of a command: the model and its inputs, as they were written.
    runs_again : bool
        Whether the code that was profiled is known, so that a fix can be tried on it.
    """

    form: Literal["notebook", "python", "terminal"] = "notebook"
    model: str = ""
    runs_again: bool = True

    def line(self, finding: Finding) -> str:
        """Return the line that does what ``finding`` proposes, or else the plain Python; empty where there is none.

        Examples
        --------
        >>> Hints("terminal", "train.py:net --inputs x").line(finding)  # doctest: +SKIP
        'tauto fix threads train.py:net --inputs x'
        """
        if self.form == "python":
            return self._fix_in_python(finding) if finding.fix else finding.python
        if not finding.line.startswith(_MAGIC):
            return (finding.line if self.form == "notebook" else "") or finding.python
        if self.form == "notebook":
            return f"{finding.line} --step NAME" if self._needs_step(finding) else finding.line
        verb, _, rest = finding.line.removeprefix(_MAGIC).partition(" ")
        words = ["tauto", verb, *([rest] if finding.fix else []), self.model]
        return " ".join(filter(None, words)) if self.model else finding.python

    def _fix_in_python(self, finding: Finding) -> str:
        if not self._needs_step(finding):
            return f'tauto.fix("{finding.rule}")'
        return f'tauto.fix("{finding.rule}", step=one_step)  # one_step(): a function of yours that runs the loop once'

    def _needs_step(self, finding: Finding) -> bool:
        # a recipe is applied to the model, and no code is run again
        return not self.runs_again and finding.fix is not None and finding.fix.action != "recipe"

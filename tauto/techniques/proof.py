"""A candidate shows that it runs before it is handed on."""

from __future__ import annotations

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.workload import Call

__all__ = ["proved", "reduced"]

_LONGEST = 200


def proved(model: nn.Module, call: Call) -> nn.Module:
    """Return ``model`` in eval mode after one call with the example inputs.

    Raises
    ------
    CandidateFailed
        When the call raises; the message carries the first line of the model's own words.
    """
    model.eval()
    try:
        with torch.no_grad():
            call(model)
    except Exception as error:  # whatever the user's code raises with a changed model
        raise CandidateFailed(f"the changed model refuses its example inputs: {reduced(error)}") from error
    return model


def reduced(error: BaseException) -> str:
    """Return the class and the first line of an error in at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

"""TAuto makes a PyTorch model faster and smaller, and proves it.

The verbs (``profile fix compare measure quantize prune distill factorize compile decode autotune tune apply runs last
script``) and the nouns load on first use, so that ``import tauto`` alone imports no torch.

Examples
--------
>>> import tauto
>>> result = tauto.autotune(model, inputs=x, budget="2min")  # doctest: +SKIP
>>> result.model(x)  # doctest: +SKIP
"""

from typing import Any

import lazy_loader as lazy

from tauto.interrupts import held_interrupts

__version__ = "0.1.0"

_loaded, __dir__, __all__ = lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Load what is asked for, whole: of an import that Ctrl-C cut off Python keeps parts, and it fails ever after."""
    with held_interrupts():
        return _loaded(name)

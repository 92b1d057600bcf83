"""TAuto makes a PyTorch model faster and smaller, and proves it.

The verbs (``profile fix compare measure quantize prune distill factorize compile decode autotune tune apply runs last
script``) and the nouns load on first use, so that ``import tauto`` alone imports no torch.

Examples
--------
>>> import tauto
>>> result = tauto.autotune(model, inputs=x, budget="2min")  # doctest: +SKIP
>>> result.model(x)  # doctest: +SKIP
"""

import lazy_loader as lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

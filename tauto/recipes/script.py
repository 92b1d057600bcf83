"""The plain Python that does what a recipe does, without TAuto and without the notebook."""

from __future__ import annotations

import textwrap

from tauto.recipes.recipe import Recipe

__all__ = ["script_of"]

_TEMPLATE = '''\
"""A faster copy of a PyTorch model, as TAuto measured it: {title}.

Use `optimize` from your own code, or try it:

    python {file} my_model.py:model my_model.py:inputs [my_model.py:data]

`inputs` is a tensor, a tuple of arguments or a dict of keyword arguments; `data` is an iterable of batches
to calibrate on (the inputs themselves are used without it).
"""

{imports}

{definitions}def optimize(model, args, kwargs, data):
    """Return a copy of `model` for inference; `data` is a list of (args, kwargs)."""
    model = copy.deepcopy(model).eval().requires_grad_(False)
{body}
    return model


def load(spec):
    """Return what `file.py:name` names."""
    file, name = spec.rsplit(":", 1)
    sys.path.insert(0, str(Path(file).resolve().parent))
    return getattr(importlib.import_module(Path(file).stem), name)


def call_of(inputs):
    if isinstance(inputs, dict):
        return (), inputs
    return (tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)), {{}}


def median_ms(model, args, kwargs):
    times = []
    for _ in range(30):
        start = time.perf_counter()
        model(*args, **kwargs)
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times[10:])[10]


def main():
    original = load(sys.argv[1]).eval()
    args, kwargs = call_of(load(sys.argv[2]))
    data = [(call_of(batch)[0][: max(1, len(args))], {{}}) for batch in load(sys.argv[3])] if len(sys.argv) > 3 else []
    with torch.no_grad():
        optimized = optimize(original, args, kwargs, data or [(args, kwargs)])
        print(f"original  {{median_ms(original, args, kwargs):.3f}} ms")
        print(f"optimized {{median_ms(optimized, args, kwargs):.3f}} ms")


if __name__ == "__main__":
    main()
'''

_IMPORTS = (
    "import copy",
    "import importlib",
    "import sys",
    "import time",
    "from pathlib import Path",
    "import torch",
)


def script_of(recipe: Recipe, file: str = "optimize.py") -> str:
    """Return a Python file that does what ``recipe`` does, using only the libraries underneath.

    Parameters
    ----------
    recipe : Recipe
        The steps to write out; their values appear as literals only.
    file : str
        Name to show in the usage line.
    """
    parts = [(step, step.technique.script(step.config)) for step in recipe.steps]
    imports = dict.fromkeys((*_IMPORTS, *(line for _, part in parts for line in part.imports)))
    definitions = dict.fromkeys(text.strip() for _, part in parts for text in part.definitions)
    body = "\n".join(f"# {step}\n{part.body.strip()}" for step, part in parts) or "# the original is the fastest"
    return _TEMPLATE.format(
        title=recipe.title,
        file=file,
        imports="\n".join(imports),
        definitions="".join(f"\n{text}\n\n\n" for text in definitions) or "\n",
        body=textwrap.indent(body, "    "),
    )

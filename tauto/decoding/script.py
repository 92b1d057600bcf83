"""The plain Python that decodes in one way, without TAuto."""

from __future__ import annotations

from tauto.decoding.precision import as_linear, technique_of
from tauto.decoding.way import Way
from tauto.techniques.listing import listed

__all__ = ["decoding_script"]

_HEAD = '''\
"""Greedy decoding, as TAuto measured it fastest: {name}.

    python decode.py my_model.py:{argument} my_model.py:prompt 100

`prompt` is a tensor of token ids of shape (batch, length).
"""

{imports}

ROOM = {room}  # tokens that a static cache has room for, prompt included


{definitions}def optimize({argument}):
    """Return a copy of the model, for inference."""
    model = copy.deepcopy({model}).eval().requires_grad_(False)
{precision}    return model


'''
_TAIL = '''

def load(spec):
    """Return what `file.py:name` names."""
    file, name = spec.rsplit(":", 1)
    sys.path.insert(0, str(Path(file).resolve().parent))
    return getattr(importlib.import_module(Path(file).stem), name)


if __name__ == "__main__":
    {argument}, prompt, tokens = load(sys.argv[1]), load(sys.argv[2]), int(sys.argv[3])
    generate = generator({call})
    generate(prompt, 2)  # compiles, where it is compiled
    start = time.perf_counter()
    made = generate(prompt, tokens)
    print(made[:, prompt.shape[1] :].tolist())
    print(f"{{tokens * len(prompt) / (time.perf_counter() - start):.1f}} tokens/s")
'''
_TRANSFORMERS = '''\
def generator(model):
    """Return `generate(prompt, max_new_tokens)`."""
{compiled}{once}
    @torch.no_grad()
    def generate(prompt, max_new_tokens):
{cache}        return model.generate(prompt, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, {keywords})

    return generate
'''
_COMPILED = """\
    plain, step = model.forward, torch.compile(model.forward)

    @functools.wraps(plain)  # generate reads the signature
    def forward(*args, **kwargs):
        ids = kwargs.get("input_ids")
        return (step if ids is not None and ids.shape[1] == 1 else plain)(*args, **kwargs)

    model.forward = forward
"""
_OWN = '''\
def generator(decoder, model):
    """Return `generate(prompt, max_new_tokens)`."""
{step}
    @torch.no_grad()
    def generate(prompt, max_new_tokens):
        text = new = prompt
{cache}        for _ in range(max_new_tokens):
{logits}            logits = getattr(logits, "logits", logits)
            logits = logits[0] if isinstance(logits, tuple) else logits
            new = (logits[:, -1] if logits.ndim == 3 else logits).argmax(-1, keepdim=True)
            text = torch.cat([text, new], 1)
        return text

    return generate
'''
_IMPORTS = ("import copy", "import importlib", "import sys", "import time", "from pathlib import Path", "import torch")


def decoding_script(way: Way, room: int, *, own: bool) -> str:
    """Return a Python file that decodes as ``way`` says, using only the libraries underneath.

    Parameters
    ----------
    way : Way
        How.
    room : int
        Tokens that a static cache has room for.
    own : bool
        Whether it is for a ``tauto.Decoder`` (anything with ``model``, ``step`` and ``new_cache``), else for a model
        of transformers.
    """
    imports, definitions, precision = _precision(way)
    body, more = _own(way) if own else _transformers(way)
    argument = "decoder" if own else "model"
    head = _HEAD.format(
        name=way.name,
        argument=argument,
        model="decoder.model" if own else "model",
        imports="\n".join(dict.fromkeys((*_IMPORTS, *more, *imports))),
        room=room,
        definitions="".join(f"{text.strip()}\n\n\n" for text in definitions),
        precision=precision,
    )
    call = "decoder, optimize(decoder)" if own else "optimize(model)"
    return head + body + _TAIL.format(argument=argument, call=call)


def _precision(way: Way) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    if not way.lower:
        return (), (), ""
    if way.precision in ("bfloat16", "float16"):
        return (), (), f"    model.to(torch.{way.precision})\n"
    found = technique_of(way.precision)
    part = found.script(found.config())
    lines = "".join(f"    {line}\n" for line in ("as_linear(model)", *part.body.splitlines()))
    return part.imports, (listed(as_linear), *part.definitions), lines


def _transformers(way: Way) -> tuple[str, tuple[str, ...]]:
    imports: tuple[str, ...] = ("import functools",) if way.compiled else ()
    once = cache = ""
    keywords = "use_cache=False" if way.cache == "none" else "use_cache=True"
    if way.cache == "static":
        imports += ("from transformers import StaticCache",)
        # one cache, kept: compiled code knows it by its address
        once = "    cache = StaticCache(config=model.config, max_cache_len=ROOM)\n"
        cache = "        cache.reset()\n"
        keywords += ", past_key_values=cache"
    compiled = _COMPILED if way.compiled else ""
    return _TRANSFORMERS.format(compiled=compiled, once=once, cache=cache, keywords=keywords), imports


def _own(way: Way) -> tuple[str, tuple[str, ...]]:
    if way.cache == "none":
        return _OWN.format(step="", cache="", logits="            logits = model(text)\n"), ()
    cache = "        cache = None\n"
    if way.cache == "static":
        cache = "        cache = decoder.new_cache(model, prompt.shape[0], ROOM)\n"
    step, call = "", "decoder.step"
    if way.compiled:
        step = "    step = torch.compile(decoder.step)\n"
        call = "(step if new.shape[1] == 1 else decoder.step)"
    return _OWN.format(step=step, cache=cache, logits=f"            logits, cache = {call}(model, new, cache)\n"), ()

"""Which ways there are for a decoder on this machine, and why not the others."""

from __future__ import annotations

from typing import Any

from tauto.decoding.decoder import Decoder, is_generative
from tauto.decoding.precision import technique_of
from tauto.decoding.way import Way
from tauto.hardware import Hardware
from tauto.techniques.engines.compilation import compiler_applies
from tauto.workload import Workload

__all__ = ["as_given", "refused"]

_BFLOAT16 = ("AVX512_BF16", "AMX_BF16", "NEON")


def as_given(decoder: Decoder) -> Way:
    """Return the way in which the user decodes: what ``generate`` does by itself, or the model alone for one's own."""
    if not is_generative(decoder.model):
        return Way("none")
    config: Any = decoder.model.generation_config
    return Way("none") if config.use_cache is False else Way("dynamic")


def refused(way: Way, decoder: Decoder, workload: Workload, hardware: Hardware) -> str:
    """Return why ``way`` is not there for this decoder here; empty when it is."""
    reason = _cache_refused(way, decoder)
    if not reason and way.compiled:
        answer = compiler_applies(hardware)
        reason = "" if answer.applies else f"{answer.reason}; {answer.remedy}"
    return reason or _precision_refused(way, workload, hardware)


def _cache_refused(way: Way, decoder: Decoder) -> str:
    if is_generative(decoder.model):
        two = way.cache == "static" and getattr(getattr(decoder.model, "config", None), "is_encoder_decoder", False)
        return "a model with an encoder needs a second cache, which is not made here" if two else ""
    if way.cache == "none":
        return ""
    if decoder.step is None:
        return "the decoder has no step: write tauto.Decoder(model, step=step) to give it a cache"
    if way.cache == "static" and decoder.new_cache is None:
        return "the decoder makes no cache of fixed room: give tauto.Decoder(…, new_cache=…)"
    if way.cache == "dynamic" and decoder.new_cache is not None:
        return "the decoder's new_cache makes a static one"
    return ""


def _precision_refused(way: Way, workload: Workload, hardware: Hardware) -> str:
    if not way.lower:
        return ""
    if way.precision == "bfloat16" and hardware.device == "cpu" and not any(map(hardware.has, _BFLOAT16)):
        return "this CPU has no bfloat16 arithmetic (AVX512_BF16 or AMX_BF16): every product would be converted"
    found = technique_of(way.precision)
    for answer in (found.missing(), found.applies_to(workload, hardware)):
        if not answer.applies:
            return answer.reason
    return ""

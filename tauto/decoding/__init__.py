"""Text made token by token: with and without a key-value cache, compiled, in lower precision."""

from tauto.decoding.build import OptimizedDecoder, build_decoder, generate_as_given, generator_of
from tauto.decoding.decoder import Decoder, context_of, is_generative
from tauto.decoding.generation import Generator, Watch
from tauto.decoding.script import decoding_script
from tauto.decoding.way import WAYS, Way, way_named

__all__ = [
    "WAYS",
    "Decoder",
    "Generator",
    "OptimizedDecoder",
    "Watch",
    "Way",
    "build_decoder",
    "context_of",
    "decoding_script",
    "generate_as_given",
    "generator_of",
    "is_generative",
    "way_named",
]

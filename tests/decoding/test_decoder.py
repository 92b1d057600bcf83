"""What a decoder says of itself, how ways are named, and which there are for whom."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from decoders import growing, hugging, prompt, small, static
from torch import nn

import tauto
from tauto.decoding import WAYS, Decoder, Way, context_of, decoding_script, way_named
from tauto.decoding.decoder import last_logits
from tauto.decoding.offered import as_given, refused
from tauto.errors import InvalidArgument, ModelError
from tauto.hardware import Hardware
from tauto.workload import Workload


def test_every_way_is_found_by_its_key_and_no_two_are_called_alike() -> None:
    assert [way_named(way.key) for way in WAYS] == list(WAYS)
    assert len({way.name for way in WAYS}) == len(WAYS)
    with pytest.raises(InvalidArgument, match=r"ways: there is no 'static-compield'\. Did you mean 'static-compiled'"):
        way_named("static-compield")


@pytest.mark.parametrize(
    "outputs",
    [
        torch.ones(2, 3, 7),
        torch.ones(2, 7),
        (torch.ones(2, 3, 7), None),
        {"logits": torch.ones(2, 3, 7)},
        SimpleNamespace(logits=torch.ones(2, 1, 7)),
    ],
    ids=["tensor", "last place", "tuple", "dict", "attribute"],
)
def test_logits_are_found_in_what_models_return(outputs: object) -> None:
    assert last_logits(outputs).shape == (2, 7)


@pytest.mark.parametrize("outputs", [None, torch.ones(2, 3, dtype=torch.long), torch.ones(3), ()], ids=str)
def test_what_holds_no_logits_is_told(outputs: object) -> None:
    with pytest.raises(ModelError, match="model: it returns no logits"):
        last_logits(outputs)


def test_the_context_is_what_is_given_or_what_the_model_says() -> None:
    assert context_of(Decoder(hugging())) == 128
    assert context_of(Decoder(hugging("llama"), context=64)) == 64
    assert context_of(Decoder(small())) is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": "gpt2"}, "model: a str is not a torch.nn.Module"),
        ({"step": 3}, "step: an int cannot be called"),
        ({"new_cache": print}, "step: new_cache makes a cache, and nothing uses it"),
    ],
    ids=str,
)
def test_mistakes_of_an_adapter_are_told(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        tauto.Decoder(**{"model": nn.Linear(2, 2), **given})  # type: ignore[arg-type]


def _hardware(*sets: str) -> Hardware:
    return Hardware("cpu", "test", 2, 2**30, frozenset(sets), "linux", "/usr/bin/g++", "0000")


def _refused(key: str, decoder: Decoder, *sets: str) -> str:
    return refused(way_named(key), decoder, Workload.of(decoder.model, inputs=prompt()), _hardware(*sets))


def test_an_adapter_decides_which_caches_there_are() -> None:
    bare = Decoder(small())
    assert as_given(bare) == Way("none")
    assert "write tauto.Decoder(model, step=step)" in _refused("dynamic", bare)
    assert not _refused("dynamic", growing())
    assert "new_cache" in _refused("static", growing())
    assert not _refused("static", static())
    assert "new_cache makes a static one" in _refused("dynamic", static())


def test_a_model_of_transformers_has_every_cache() -> None:
    decoder = Decoder(hugging())
    assert as_given(decoder) == Way("dynamic")
    assert not any(_refused(key, decoder) for key in ("none", "static", "dynamic"))
    decoder.model.generation_config.use_cache = False
    assert as_given(decoder) == Way("none")


def test_sixteen_bits_are_tried_where_the_machine_computes_in_them() -> None:
    assert "this CPU has no bfloat16 arithmetic" in _refused("dynamic-bfloat16", growing())
    assert not _refused("dynamic-bfloat16", growing(), "AMX_BF16")


def test_a_missing_compiler_is_told_with_the_way_to_get_one() -> None:
    bare = Hardware("cpu", "test", 2, 2**30, frozenset(), "linux", None, "0000")
    decoder = static()
    found = refused(Way("static", compiled=True), decoder, Workload.of(decoder.model, inputs=prompt()), bare)
    assert "no C++ compiler was found" in found
    assert "install g++" in found


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.key)
@pytest.mark.parametrize("own", [False, True])
def test_every_script_is_python(way: Way, own: bool) -> None:
    text = decoding_script(way, 64, own=own)
    compile(text, "decode.py", "exec")
    assert "tauto" not in text.replace("TAuto", "").replace("tauto.Decoder", "")

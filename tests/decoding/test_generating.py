"""Every way makes the same text, and leaves the user's model as it was."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import VOCABULARY, growing, hugging, prompt, small, static

from tauto.decoding import (
    Decoder,
    Watch,
    Way,
    build_decoder,
    decoding_script,
    generate_as_given,
    generator_of,
    way_named,
)
from tauto.decoding.generation import OutOfTime
from tauto.decoding.precision import as_linear
from tauto.errors import CandidateFailed, FallbackWarning, InvalidArgument, ModelError
from tauto.hardware import Hardware
from tauto.tuning.cache_size import cache_bytes
from tauto.workload import Workload

HARDWARE = Hardware.current()
TOKENS = 20
CASES = [
    ("none", Decoder(small())),
    ("none", growing()),
    ("dynamic", growing()),
    ("static", static()),
    *((key, Decoder(hugging(kind))) for kind in ("gpt2", "llama") for key in ("none", "dynamic", "static")),
]


def _made(key: str, decoder: Decoder, folder: Path, room: int = 64) -> Any:
    workload = Workload.of(decoder.model, inputs=prompt())
    made, _ = generator_of(decoder, way_named(key), workload, room=room, folder=folder, hardware=HARDWARE)
    return made, workload.example


def _by_hand(model: Any, tokens: int) -> torch.Tensor:
    """Greedy decoding in three lines, without a cache."""
    text = prompt()
    with torch.no_grad():
        for _ in range(tokens):
            outputs = model(text)
            logits = getattr(outputs, "logits", outputs)
            text = torch.cat([text, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return text


@pytest.mark.parametrize(("key", "decoder"), CASES, ids=[f"{type(d.model).__name__}-{k}" for k, d in CASES])
def test_every_cache_makes_the_text_that_is_made_by_hand(key: str, decoder: Decoder, tmp_path: Path) -> None:
    made, call = _made(key, decoder, tmp_path)
    for _ in range(2):  # a static cache is used again
        watch = Watch()
        text = made.generate(call, TOKENS, watch)
        # an end of the text ends no measured run, and the one by hand knows none
        assert text.shape == (2, 5 + TOKENS)
        assert torch.equal(torch.stack(watch.tokens, 1), text[:, 5:])
        assert watch.seconds == sorted(watch.seconds)
        if decoder.model.__class__.__name__ == "Small" or not (_by_hand(decoder.model, TOKENS) == 1).any():
            assert torch.equal(text, _by_hand(decoder.model, TOKENS))
    assert (cache_bytes(made.cache()) > 0) == (key != "none")


def test_the_texts_of_these_models_vary() -> None:
    for model in (small(), hugging(), hugging("llama")):
        assert len(set(_by_hand(model, TOKENS)[0, 5:].tolist())) > 3


@pytest.mark.parametrize("decoder", [growing(), Decoder(hugging())], ids=["own", "transformers"])
def test_a_forced_text_goes_on_and_the_models_choices_are_noted(decoder: Decoder, tmp_path: Path) -> None:
    text = torch.randint(2, VOCABULARY, (2, 8), generator=torch.Generator().manual_seed(3))
    chosen = []
    for key in ("none", "dynamic"):
        made, call = _made(key, decoder, tmp_path)
        watch = Watch(forced=text)
        made.generate(call, 8, watch)
        assert torch.equal(torch.stack(watch.tokens, 1), text)
        chosen.append(torch.stack(watch.chosen, 1))
    whole = torch.cat([prompt(), text], 1)
    with torch.no_grad():
        rows = [decoder.model(whole[:, : 5 + place]) for place in range(8)]
    wanted = torch.stack([getattr(row, "logits", row)[:, -1].argmax(-1) for row in rows], 1)
    assert torch.equal(chosen[0], wanted)
    assert torch.equal(chosen[1], wanted)


def test_a_watch_ends_what_takes_too_long_and_keeps_its_tokens(tmp_path: Path) -> None:
    made, call = _made("none", growing(), tmp_path)
    watch = Watch(until=0.0)
    with pytest.raises(OutOfTime):
        made.generate(call, TOKENS, watch)
    assert len(watch.tokens) == 1


def test_more_than_a_static_cache_has_room_for_is_told(tmp_path: Path) -> None:
    for decoder in (static(), Decoder(hugging())):
        made, call = _made("static", decoder, tmp_path, room=10)
        with pytest.raises(InvalidArgument, match="room for 10 tokens, and 5 of the prompt with 6 new ones are more"):
            made.generate(call, 6)


@pytest.mark.parametrize("decoder", [static(), Decoder(hugging())], ids=["own", "transformers"])
def test_the_decoder_to_use_answers_any_length_and_leaves_the_model_alone(decoder: Decoder, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in decoder.model.state_dict().items()}
    keys = set(vars(decoder.model))
    workload = Workload.of(decoder.model, inputs=prompt())
    made = build_decoder(decoder, Way("static"), workload, room=15, folder=tmp_path, hardware=HARDWARE, files=None)
    assert torch.equal(made.generate(prompt(), 10), generate_as_given(decoder, prompt(), 10))
    with pytest.warns(FallbackWarning, match="not what this way was prepared for"):
        beyond = made.generate(prompt(), 20)
    assert torch.equal(beyond, generate_as_given(decoder, prompt(), 20))
    with pytest.raises(ModelError, match="cannot be trained"):
        made.train()
    assert set(vars(decoder.model)) == keys
    assert all(torch.equal(before[name], value) for name, value in decoder.model.state_dict().items())


@pytest.mark.parametrize("decoder", [static(layers=1), Decoder(hugging())], ids=["own", "transformers"])
def test_a_compiled_step_makes_the_same_text_and_is_not_compiled_again(
    decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # traced and guarded as always, but run without kernels of its own: those take the C++ compiler half a minute
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    made, call = _made("static-compiled", decoder, tmp_path, room=32)
    plain, _ = _made("none", decoder, tmp_path)
    from torch._dynamo.utils import counters

    graphs, wanted = counters["stats"]["unique_graphs"], plain.generate(call, TOKENS, Watch())
    assert graphs > 0
    for _ in range(2):
        assert torch.equal(made.generate(call, TOKENS, Watch()), wanted)
    assert counters["stats"]["unique_graphs"] == graphs


def test_a_step_that_returns_no_pair_is_told(tmp_path: Path) -> None:
    decoder = Decoder(small(), lambda model, ids, cache: model(ids))
    made, call = _made("dynamic", decoder, tmp_path)
    with pytest.raises(CandidateFailed, match=r"it must return \(logits, cache\)"):
        made.generate(call, 3)


def test_linear_layers_of_gpt2_are_written_as_such() -> None:
    model = hugging()
    with torch.no_grad():
        wanted = model(prompt()).logits
        changed = as_linear(hugging())
        torch.testing.assert_close(changed(prompt()).logits, wanted, rtol=1e-4, atol=1e-4)
    assert not any(type(layer).__name__ == "Conv1D" for layer in changed.modules())


def test_int8_weights_decode_and_store_a_quarter(tmp_path: Path) -> None:
    made, call = _made("dynamic-int8_weights", Decoder(hugging()), tmp_path)
    assert made.generate(call, 4).shape[1] <= 9
    kinds = {type(layer.weight.data).__name__ for layer in made._model.modules() if isinstance(layer, torch.nn.Linear)}
    assert kinds == {"Int8Tensor"}, kinds


@pytest.mark.parametrize("key", ["none", "dynamic", "static"])
def test_the_script_makes_the_same_text(key: str, tmp_path: Path) -> None:
    file = tmp_path / f"decode_{key}.py"
    for own, decoder in ((True, static() if key == "static" else growing()), (False, Decoder(hugging("llama")))):
        file.write_text(decoding_script(way_named(key), 64, own=own))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        given = (decoder, module.optimize(decoder)) if own else (module.optimize(decoder.model),)
        made = module.generator(*given)(prompt(), 10)
        assert torch.equal(made, generate_as_given(decoder, prompt(), 10))

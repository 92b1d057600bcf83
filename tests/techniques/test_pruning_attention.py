"""Attention that is narrower than its model: it answers as torch's own, and heads of every kind of attention go."""

from __future__ import annotations

import itertools

import pruning_models
import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from tauto import serialization
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed, script_of
from tauto.techniques import Context
from tauto.techniques.pruning import tracing
from tauto.techniques.pruning.attention import NarrowAttention, narrowed, why_not_narrowed
from tauto.techniques.pruning.channels import narrow_channels
from tauto.techniques.pruning.heads import narrow_heads
from tauto.techniques.pruning.technique import PruneConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
BATCH, WORDS_LONG = 3, 5
WORDS = torch.randint(0, 50, (4, 6))
CAUSAL = torch.triu(torch.ones(WORDS_LONG, WORDS_LONG, dtype=torch.bool), 1)
ADDED = torch.zeros(WORDS_LONG, WORDS_LONG).masked_fill(CAUSAL, float("-inf"))
PADDING = torch.arange(WORDS_LONG)[None] >= torch.tensor([[5], [3], [4]])


def whole(**keywords):
    torch.manual_seed(0)
    module = nn.MultiheadAttention(32, 4, **keywords).eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def inputs(module):
    shape = (BATCH, WORDS_LONG) if module.batch_first else (WORDS_LONG, BATCH)
    return [torch.randn(*shape, width) for width in (32, module.kdim, module.vdim)]


def same(found, expected):
    torch.testing.assert_close(found[0], expected[0])
    assert (found[1] is None) == (expected[1] is None)
    if expected[1] is not None:
        torch.testing.assert_close(found[1], expected[1])


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize(
    "keywords",
    [{}, {"batch_first": True}, {"bias": False}, {"kdim": 24, "vdim": 20}, {"kdim": 24, "vdim": 24, "bias": False}],
)
def test_with_all_heads_it_answers_as_torchs_own(keywords):
    module = whole(**keywords)
    narrow, given = narrowed(module, [0, 1, 2, 3]), inputs(module)
    masks = (None, CAUSAL, ADDED, torch.randn(BATCH * 4, WORDS_LONG, WORDS_LONG))
    ways = itertools.product((True, False), (True, False), masks, (None, PADDING))
    for weights, average, mask, padding in ways:
        asked = {
            "need_weights": weights,
            "average_attn_weights": average,
            "attn_mask": mask,
            "key_padding_mask": padding,
        }
        same(narrow(*given, **asked), module(*given, **asked))
        if module.kdim == 32:
            same(narrow(*given[:1] * 3, **asked), module(*given[:1] * 3, **asked))
    for weights in (True, False):
        asked = {"attn_mask": CAUSAL, "is_causal": True, "need_weights": weights}
        same(narrow(*given, **asked), module(*given, **asked))
        alone = [part[0] for part in given]
        same(narrow(*alone, need_weights=weights), module(*alone, need_weights=weights))
    assert {name: value.shape for name, value in narrow.state_dict().items()} == {
        name: value.shape for name, value in module.state_dict().items()
    }


def test_a_hint_without_its_mask_is_refused_as_torch_does():
    module = narrowed(whole(), [1, 2])
    with pytest.raises(RuntimeError, match="is_causal is a hint about attn_mask"):
        module(*inputs(module), is_causal=True)


def test_dropout_is_drawn_in_training_alone():
    module = narrowed(whole(dropout=0.5), [0, 3])
    given = inputs(module)
    assert torch.equal(module(*given)[0], module(*given)[0])
    module.train()
    for weights in (True, False):
        asked = {"need_weights": weights}
        assert not torch.equal(module(*given, **asked)[0], module(*given, **asked)[0])


@pytest.mark.parametrize("keywords", [{"batch_first": True}, {"kdim": 24, "vdim": 20}])
def test_without_some_heads_it_answers_as_if_nobody_read_them(keywords):
    module = whole(**keywords)
    given, narrow = inputs(module), narrowed(module, [0, 3])
    with torch.no_grad():
        module.out_proj.weight[:, 8:24] = 0
    torch.testing.assert_close(narrow(*given)[0], module(*given)[0])
    assert (narrow.num_heads, narrow.head_dim, narrow.out_proj.in_features) == (2, 8, 16)


class Own(nn.MultiheadAttention):
    pass


def test_what_it_cannot_stand_for_is_left_with_the_reason():
    hooked = whole()
    hooked.register_forward_hook(lambda *_: None)
    for module, words in (
        (whole(add_bias_kv=True), "adds a key and a value of its own"),
        (whole(add_zero_attn=True), "adds a key and a value of its own"),
        (Own(32, 4), "Own is a class of its own"),
        (hooked, "it has hooks"),
    ):
        assert words in why_not_narrowed(module)
        model = nn.ModuleDict({"mix": module})
        model.forward = lambda x, mix=module: mix(x, x, x)[0]
        cuts, left = narrow_heads(model, [((torch.randn(5, 3, 32),), {})], 0.5, widths={})
        assert not cuts
        assert words in left["mix"]


def pruned(model, given, folder, structure, **kwargs):
    """Return the pruned model and what is told of it."""
    recipe, context = Recipe.of(("prune", PruneConfig(structure))), Context(folder, HARDWARE)
    result = build(recipe, Workload.of(model, inputs=given, **kwargs), context)
    [(step, here)] = placed(recipe, context)
    return result.module, step.technique.account(PruneConfig(structure), here)


def made(cls, *args, **keywords):
    torch.manual_seed(0)
    return cls(*args, **keywords).eval()


@pytest.mark.parametrize("keywords", [{}, {"norm_first": True}])
def test_torchs_own_encoder_loses_heads_and_hidden_widths(keywords, tmp_path):
    model = made(pruning_models.Encoder, **keywords)
    smaller, account = pruned(model, WORDS, tmp_path, "heads+channels")
    for layer in smaller.encoder.layers:  # read from its file
        assert (type(layer.self_attn), layer.self_attn.num_heads) == (NarrowAttention, 2)
        assert layer.linear1.out_features == 32
    told = " ".join(account.notes)
    assert "Heads: encoder.layers.0.self_attn 4 → 2, encoder.layers.1.self_attn 4 → 2." in told
    assert "Channels: encoder.layers.0.linear1 64 → 32" in told
    assert account.summary.startswith("4")  # of the FLOPs, though torch's fast path hides those of the original
    assert "fewer FLOPs" in account.summary
    torch.export.export(smaller, (WORDS,))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_padded_words_are_packed_by_torchs_encoder_and_still_right():
    model = made(pruning_models.Encoder)
    padding = torch.arange(6)[None] >= torch.tensor([[6], [3], [4], [6]])
    call = ((WORDS,), {"padding": padding})
    with torch.no_grad():
        for layer in model.encoder.layers:
            layer.self_attn.out_proj.weight[:, 8:24] = 0  # nobody reads two of the heads
        right = model(WORDS, padding)
        cuts, left = narrow_heads(model, [call], 0.5, widths={})
        assert [cut.removed for cut in cuts] == [(1, 2), (1, 2)]
        assert not left
        torch.testing.assert_close(model(WORDS, padding), right)


def test_torchs_own_decoder_loses_heads_of_both_attentions(tmp_path):
    smaller, account = pruned(made(pruning_models.Translator), WORDS, tmp_path, "heads")
    kinds = [type(module) for module in smaller.modules() if isinstance(module, nn.MultiheadAttention)]
    assert kinds == [NarrowAttention] * 4
    assert not any("Left" in note for note in account.notes)


def test_heads_that_share_keys_go_together():
    model = made(pruning_models.Grouped)
    with torch.no_grad():
        model.o_proj.weight[:, 8:24] = 0  # of heads 2 to 5: nobody reads the second and third group
    x = torch.randn(2, 5, 32)
    right = model(x)
    cuts, _ = narrow_heads(model, [((x,), {})], 0.5, widths={})
    assert [(cut.before, cut.after, cut.removed) for cut in cuts] == [(8, 4, (2, 3, 4, 5))]
    assert (model.num_heads, model.num_key_value_heads, model.k_proj.out_features) == (4, 2, 8)
    torch.testing.assert_close(model(x), right)


def test_heads_that_all_share_one_key_are_left_by_name():
    _, left = narrow_heads(made(pruning_models.Grouped, 8), [((torch.randn(2, 5, 32),), {})], 0.5, widths={})
    assert left == {"": "all its heads share one key and one value"}


def llama():
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=50, num_hidden_layers=2, **sizes)).eval()


def test_a_llama_loses_hidden_widths_and_whole_groups_of_heads(tmp_path):
    model = llama()
    smaller, account = pruned(model, {"input_ids": WORDS}, tmp_path, "heads+channels")
    layer = smaller.model.layers[1]
    assert [one.out_features for one in (layer.mlp.gate_proj, layer.mlp.up_proj)] == [32, 32]
    assert layer.mlp.down_proj.in_features == 32
    attention = layer.self_attn
    assert [one.out_features for one in (attention.q_proj, attention.k_proj, attention.v_proj)] == [16, 8, 8]
    assert "Heads: model.layers.0.self_attn 4 → 2" in " ".join(account.notes)
    with torch.no_grad():
        assert smaller(input_ids=WORDS).logits.shape == (4, 6, 50)
        assert smaller.generate(WORDS[:, :3], max_new_tokens=2, do_sample=False).shape == (4, 5)


def test_channels_that_are_turned_round_are_given_up_within_seconds(monkeypatch):
    monkeypatch.setattr(tracing, "PATIENCE_S", 0.2)
    model = made(pruning_models.Rotated)
    cuts, left = narrow_channels(model, [((torch.randn(4, 16),), {})], 0.5, widths={})
    assert [cut.name for cut in cuts] == ["b"]
    assert "move on each time they are followed" in left["a"]


@pytest.mark.parametrize(
    ("cls", "structure"), [(pruning_models.Encoder, "heads+channels"), (pruning_models.Words, "heads")]
)
def test_its_script_needs_no_tauto(cls, structure, tmp_path):
    model = made(cls)
    found, _ = pruned(model, WORDS, tmp_path, structure)
    names = {"__name__": "optimize"}
    text = script_of(Recipe.of(("prune", PruneConfig(structure))))
    assert "tauto" not in text.replace("TAuto", "")
    exec(compile(text, "optimize.py", "exec", dont_inherit=True), names)
    with torch.no_grad():
        torch.testing.assert_close(names["optimize"](model, (WORDS,), {}, [((WORDS,), {})])(WORDS), found(WORDS))


def test_it_is_written_and_read_in_its_own_place(tmp_path):
    model = nn.Sequential(made(nn.TransformerEncoderLayer, 32, 4, 64, batch_first=True))
    fresh = made(nn.Sequential, nn.TransformerEncoderLayer(32, 4, 64, batch_first=True))
    model[0].self_attn = narrowed(model[0].self_attn, [0, 2])
    serialization.write(model, fresh, tmp_path / "kept")
    x = torch.randn(2, 5, 32)
    with torch.no_grad():
        torch.testing.assert_close(serialization.read(fresh, tmp_path / "kept")(x), model(x))

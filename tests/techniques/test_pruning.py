"""What can be cut is cut exactly; what cannot is left, by name with the reason."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import pruning_models
import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed, InvalidArgument, RecipeError
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed, script_of
from tauto.techniques import Context
from tauto.techniques.pruning.channels import kept_width, narrow_channels
from tauto.techniques.pruning.heads import narrow_heads
from tauto.techniques.pruning.technique import PruneConfig, PruneWeightsConfig
from tauto.techniques.pruning.weights import zero_weights
from tauto.workload import Workload

HARDWARE = Hardware.current()
IMAGES, ROWS, SEQUENCES = torch.randn(4, 3, 8, 8), torch.randn(4, 16), torch.randn(4, 5, 8)
WORDS = torch.randint(0, 50, (4, 6))


def made(cls, *args):
    torch.manual_seed(0)
    return cls(*args).eval()


def pruned(model, inputs, folder, config=None):
    """Return the pruned model and what is told of it."""
    config = config or PruneConfig()
    name = "prune_weights" if isinstance(config, PruneWeightsConfig) else "prune"
    recipe, context = Recipe.of((name, config)), Context(folder, HARDWARE)
    result = build(recipe, Workload.of(model, inputs=inputs), context)
    [(step, here)] = placed(recipe, context)
    return result.module, step.technique.account(config, here)


def told(account):
    return " ".join(account.notes)


@pytest.mark.parametrize(
    ("cls", "inputs", "widths", "reasons"),
    [
        (
            pruning_models.Viewed,
            IMAGES,
            {"c": 8, "fc": 32, "d": 32, "out": 10},
            ["d (the forward pass fails when it is narrower", "out (the model's outputs are made of it)"],
        ),
        (
            pruning_models.ResNet,
            IMAGES,
            {"stem": 16, "blocks.0.a": 16, "blocks.3.b": 16},
            ["head (the model's outputs"],
        ),
        (pruning_models.Joined, IMAGES, {"a": 8, "b": 16, "deep": 24, "c": 16}, ["head (the model's outputs"]),
        (pruning_models.Flipped, ROWS, {"a": 32, "b": 16}, ["a (the forward pass computes across it"]),
        (pruning_models.Twice, ROWS, {"a": 16, "b": 8}, ["a (it is used more than once in a call)"]),
        (
            pruning_models.Recurrent,
            SEQUENCES,
            {"e": 32, "f": 32},
            ["r (the hidden width of a recurrent layer (GRU)", "e (Torch-Pruning cannot follow its channels"],
        ),
        (pruning_models.InGroups, IMAGES, {"a": 16, "b": 16, "c": 8}, ["a (b convolves in 4 groups)"]),
        (
            pruning_models.Words,
            WORDS,
            {"layers.0.up": 32, "layers.0.attn.qkv": 96, "head": 50},
            [
                "layers.2.attn.qkv (its width is that of attention heads",
                "layers.0.attn.proj (emb: its weights are those of head, too)",
            ],
        ),
    ],
)
def test_layers_shrink_where_they_can_and_the_others_are_named(cls, inputs, widths, reasons, tmp_path):
    model = made(cls)
    before = copy.deepcopy(model.state_dict())
    smaller, account = pruned(model, inputs, tmp_path)
    for name, width in widths.items():
        assert smaller.get_submodule(name).weight.shape[0] == width, name
    for reason in reasons:
        assert reason in told(account)
    assert smaller(inputs).shape == model(inputs).shape
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert "fewer FLOPs" in account.summary


@pytest.mark.parametrize(("cls", "inputs"), [(pruning_models.ResNet, IMAGES), (pruning_models.Joined, IMAGES)])
def test_what_nothing_reads_is_cut_without_a_trace(cls, inputs):
    """Half of the channels of every layer are dead: cutting them must change no answer."""
    model = made(cls)
    dead = {"stem": 16, "a": 8, "b": 16, "c": 0}
    with torch.no_grad():
        for name, layer in model.named_modules():
            if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
                count = dead.get(name, len(layer.weight) // 2) if layer.weight.ndim > 1 else len(layer.weight) // 2
                if name == "deep":
                    continue
                layer.weight[:count] = 0
                if layer.bias is not None:
                    layer.bias[:count] = 0
        if cls is pruning_models.Joined:
            for part in (slice(0, 8), slice(16, 32)):  # where the dead channels of a and b come to lie
                model.deep.weight[part] = 0
                model.deep.bias[part] = 0
    right = model(inputs)
    cuts, _ = narrow_channels(model, [((inputs,), {})], 0.5, widths={}, ratios=_only_dead(cls))
    assert cuts
    torch.testing.assert_close(model(inputs), right, rtol=1e-4, atol=1e-5)


def _only_dead(cls):
    return {"c": 0.01} if cls is pruning_models.Joined else None


@pytest.mark.parametrize("style", ["separate", "interleaved"])
def test_the_least_heads_go_in_whichever_way_they_lie(style):
    model = made(pruning_models.Words, style)
    one = model.layers[1].attn
    with torch.no_grad():
        one.proj.weight[:, 8:24] = 0  # nobody reads the second and third head
    right = model(WORDS)
    cuts, left = narrow_heads(
        model, [((WORDS,), {})], 0.5, widths={}, ratios={"layers.0.attn": 0.1, "layers.2.attn": 0.1}
    )
    assert [(cut.name, cut.removed) for cut in cuts] == [("layers.1.attn", (1, 2))]
    assert not left
    assert (one.num_heads, one.qkv.out_features, one.proj.in_features) == (2, 48, 16)
    torch.testing.assert_close(model(WORDS), right)


def test_heads_that_hang_on_the_models_width_are_refused_by_name(tmp_path):
    with pytest.raises(CandidateFailed, match=r"layers\.0\.attn: the forward pass fails when it is narrower"):
        pruned(made(pruning_models.Words, "of the input"), WORDS, tmp_path, PruneConfig("heads"))


def test_the_block_that_is_missed_least_goes(tmp_path):
    model = made(pruning_models.ResNet)
    with torch.no_grad():
        for name in ("blocks.2.m", "blocks.1.m"):
            model.get_submodule(name).weight.zero_()
            model.get_submodule(name).bias.zero_()
        model.stem.bias.fill_(3.0)
    smaller, account = pruned(model, IMAGES, tmp_path, PruneConfig("blocks"))
    assert "blocks.1" in told(account)
    assert "blocks.2" in told(account)
    torch.testing.assert_close(smaller(IMAGES), model(IMAGES), rtol=1e-3, atol=1e-4)


def test_a_block_with_more_arguments_can_go_too(tmp_path):
    smaller, account = pruned(made(pruning_models.Words), WORDS, tmp_path, PruneConfig("blocks", 0.4))
    assert sum(type(layer).__name__ == "Skip" for layer in smaller.layers) == 1
    assert smaller(WORDS).shape == (4, 6, 50)
    assert account.notes[0].startswith("Left out: layers.")


def test_hooks_stay_and_a_computed_weight_is_left(tmp_path):
    model = made(pruning_models.plain, 16, 32, 32, 4)
    seen = []
    model[2].register_forward_hook(lambda module, args, output: seen.append(output.shape[1]))
    nn.utils.parametrizations.weight_norm(model[0])
    smaller, account = pruned(model, ROWS, tmp_path)
    smaller(ROWS)
    assert seen[-1] == 16
    assert "0 (its weight is computed from others" in told(account)
    assert smaller[0].weight.shape == (32, 16)


@pytest.mark.parametrize(
    ("width", "share", "multiple", "blocks", "kept"),
    [(100, 0.5, 8, 1, 48), (12, 0.5, 8, 1, 8), (6, 0.5, 8, 1, 6), (64, 0.9, 8, 1, 8), (1000, 0.95, 8, 1, 100),
     (48, 0.5, 8, 3, 24), (32, 0.1, 8, 1, 32), (20, 0.3, 1, 1, 14)],
)  # fmt: skip
def test_widths_are_what_the_hardware_likes_and_never_too_small(width, share, multiple, blocks, kept):
    assert kept_width(width, share, multiple, 8, blocks) == kept


def test_less_goes_where_the_outputs_suffer_more():
    model = made(pruning_models.plain, 16, 64, 64, 4)
    with torch.no_grad():
        for weights in (model[4].weight[:, :48], model[2].weight[:48], model[2].bias[:48]):
            weights *= 0.01  # most of the second layer hardly counts
    inputs = torch.randn(64, 16)
    cuts, _ = narrow_channels(model, [((inputs,), {})], 0.5, widths={}, spread="sensitivity")
    kept = {"0": 64, "2": 64} | {cut.name: cut.after for cut in cuts}
    assert kept["2"] < kept["0"]
    assert sum(kept.values()) in range(56, 73)  # half of 128, rounded


def test_the_smallest_weights_go_in_the_pattern_asked_for():
    one, other = nn.Linear(8, 4), nn.Linear(4, 2)
    with torch.no_grad():
        one.weight.copy_(torch.arange(1, 33).reshape(4, 8) / 100)
        other.weight.fill_(1.0)
    model = nn.Sequential(one, other)
    masks = zero_weights(copy.deepcopy(model), 0.5)
    assert int(masks["0"].sum()) == 12  # 20 of 40 go, all from the layer of small ones
    assert bool(masks["1"].all())
    masks = zero_weights(copy.deepcopy(model), 0.5, spread="uniform")
    assert int(masks["0"].sum()) == 16
    masks = zero_weights(model, 0.5, pattern="2:4")
    assert model[0].weight[0].tolist() == pytest.approx([0, 0, 0.03, 0.04, 0, 0, 0.07, 0.08])
    assert masks["0"].reshape(-1, 4).sum(1).unique().tolist() == [2]


def test_zeros_are_told_of_as_they_are(tmp_path):
    model = made(pruning_models.plain, 16, 64, 4)
    smaller, account = pruned(model, ROWS, tmp_path, PruneWeightsConfig(sparsity=0.9))
    zeros = sum(int((layer.weight == 0).sum()) for layer in smaller if isinstance(layer, nn.Linear))
    assert zeros == round(0.9 * (16 * 64 + 64 * 4))
    assert account.summary == "90% of the weights at zero"
    assert "as before; compressed by zlib" in told(account)
    assert "structure='channels' makes layers really smaller" in told(account)


@pytest.mark.parametrize(
    "config", [PruneConfig(ratios=("0=0.7",)), PruneConfig(importance="taylor", steps=2, schedule="cubic")]
)
def test_its_script_does_the_same_and_a_recipe_of_it_survives_writing(config, tmp_path):
    model = made(pruning_models.plain, 16, 64, 64, 4)
    recipe = Recipe.of(("prune", config))
    assert Recipe.parse(recipe.to_yaml()) == recipe
    found, _ = pruned(model, ROWS, tmp_path, config)
    names = {"__name__": "optimize"}
    exec(compile(script_of(recipe), "optimize.py", "exec", dont_inherit=True), names)
    with torch.no_grad():
        again = names["optimize"](model, (ROWS,), {}, [((ROWS,), {})])
    torch.testing.assert_close(again(ROWS), found(ROWS))


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("prune", PruneConfig(sparsity=0.7, steps=2, schedule="rewind", epochs=20, learning_rate=1e-2)),
        ("prune_weights", PruneWeightsConfig(sparsity=0.8, epochs=20, learning_rate=1e-2)),
    ],
)
def test_its_script_trains_too_by_the_originals_answers(name, config):
    model, rows = made(pruning_models.plain, 16, 64, 64, 4), torch.randn(64, 16)
    answers, apart = model(rows).detach(), {}
    for epochs in (20, 1):
        recipe = Recipe.of((name, dataclasses.replace(config, epochs=epochs)))
        names = {"__name__": "optimize"}
        exec(compile(script_of(recipe), "optimize.py", "exec", dont_inherit=True), names)
        with torch.no_grad():
            found = names["optimize"](model, (rows,), {}, [((rows,), {})])(rows)
        apart[epochs] = float((found - answers).norm() / answers.norm())
    assert apart[20] < 0.8 * apart[1]


def test_a_layer_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CandidateFailed, match=r"ratios: 'fc' is no layer that can be cut; there are: 0, 2"):
        pruned(made(pruning_models.plain, 16, 64, 64, 4), ROWS, tmp_path, PruneConfig(ratios=("fc=0.2",)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sparsity": 1.0}, "sparsity: 1.0 is no share"),
        ({"sparsity": 0.0}, "sparsity: 0.0 is no share"),
        ({"steps": 0}, "steps: 0 is no number of steps"),
        ({"steps": 3}, "say different things"),
        ({"schedule": "cubic"}, "say different things"),
        ({"steps": 2, "schedule": "rewind"}, "epochs: 'rewind' gives weights back"),
        ({"ratios": ("conv1",)}, "ratios: 'conv1' is no share"),
        ({"epochs": -1}, "epochs: -1 is no number of epochs"),
        ({"learning_rate": 0.0}, "learning_rate: 0.0 is out of range"),
        ({"structure": "blocks", "importance": "taylor"}, "blocks are chosen by what the outputs miss"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(values, words):
    with pytest.raises(InvalidArgument, match=words):
        PruneConfig(**values)
    with pytest.raises(RecipeError, match=words):
        Recipe.of(("prune", values))


def test_every_way_has_words_of_its_own():
    ways = itertools.product(("l2", "taylor"), ("uniform", "global"), (0, 2))
    titles = [Recipe.of(("prune", {"importance": i, "spread": s, "epochs": e})).title for i, s, e in ways]
    assert titles[0] == "prune (50% of channels)"
    assert len(set(titles)) == 8


def test_bn_scale_takes_the_channels_that_their_normalisation_silences():
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Conv2d(32, 4, 3)
    ).eval()
    with torch.no_grad():
        model[1].weight[::2] = 0.01
        model[0].weight[::2] *= 100  # by the size of weights these would stay
    cuts, _ = narrow_channels(model, [((IMAGES,), {})], 0.5, widths={}, importance="bn_scale")
    assert {cut.name for cut in cuts} == {"0", "3"}
    assert next(sorted(cut.removed) for cut in cuts if cut.name == "0") == list(range(0, 16, 2))

import itertools
import json
import subprocess
import sys
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tauto.errors import ModelError, RecipeError
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, Step, build, script_of
from tauto.techniques import Context, Family, technique, techniques
from tauto.workload import Workload

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
HOSTILE = ["'; import os; os.system('x')", "../../etc/passwd", "\n__import__('os')", "torch.load"]


def configured():
    """Return every configuration that some technique proposes for a small convolutional net."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    workload, hardware = Workload.of(model, inputs=torch.zeros(2, 3, 8, 8)), Hardware.current("cpu")
    return [Step(item.name, config) for item in techniques() for config in item.space(workload, hardware)]


def legal_recipes():
    order = {family: number for number, family in enumerate(get_args(Family))}
    for size in (0, 1, 2, 3):
        for steps in itertools.combinations(sorted(configured(), key=lambda s: order[s.technique.family]), size):
            try:
                yield Recipe(steps)
            except RecipeError:
                continue


RECIPES = list(legal_recipes())


@given(st.sampled_from(RECIPES))
def test_a_recipe_survives_json_yaml_and_its_report(recipe):
    assert Recipe.parse(recipe.to_json()) == recipe
    assert Recipe.parse(recipe.to_yaml()) == recipe
    assert Recipe.from_report(recipe.report()) == recipe
    assert len({recipe.digest, Recipe.parse(recipe.to_yaml()).digest}) == 1


def test_digests_tell_recipes_apart():
    assert len({recipe.digest for recipe in RECIPES}) == len(RECIPES)


@given(st.text())
def test_any_text_is_a_recipe_or_refused_in_words(text):
    try:
        Recipe.parse(text)
    except RecipeError as error:
        assert str(error).startswith("recipe:")


@given(JSON)
def test_any_steps_are_a_recipe_or_refused_in_words(value):
    for data in (value, {"recipe": 1, "steps": value}, {"recipe": 1, "steps": [value]}):
        try:
            Recipe.from_dict(data)
        except RecipeError as error:
            assert str(error).startswith("recipe:")


@settings(deadline=None)
@given(st.sampled_from(configured()), st.sampled_from(HOSTILE) | st.text() | st.integers() | st.none(), st.data())
def test_a_strangers_value_is_of_a_closed_set_or_refused(step, value, data):
    fields = list(step.config.__dataclass_fields__)
    if not fields:
        return
    field = data.draw(st.sampled_from(fields))
    try:
        recipe = Recipe.of((step.name, {field: value}))
    except RecipeError as error:
        assert step.name in str(error)
    else:
        # a number counts something, and the trial's budget ends what takes too long; words are of closed sets
        assert isinstance(value, int) or value in {getattr(known.config, field, None) for known in configured()}
        compile(script_of(recipe), "optimize.py", "exec")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "must be a mapping"),
        ({"recipe": 1}, "must be a mapping"),
        ({"recipe": 99, "steps": []}, "newer than this TAuto reads"),
        ({"recipe": "1", "steps": []}, "not a version number"),
        ({"recipe": 1, "steps": ["compile"]}, "each step must be a mapping"),
        ({"recipe": 1, "steps": [{"technique": "chanels_last"}]}, "Did you mean 'channels_last'"),
        ({"recipe": 1, "steps": [{"technique": "channels_last", "config": {"a": 1}}]}, "channels_last.a"),
        ({"recipe": 1, "steps": [{"technique": "bfloat16", "config": {"mode": "other"}}]}, "bfloat16.mode"),
        (
            {"recipe": 1, "steps": [{"technique": "threads"}, {"technique": "compile"}]},
            "threads must come after compile",
        ),
        ({"recipe": 1, "steps": [{"technique": "channels_last"}, {"technique": "channels_last"}]}, "stands twice"),
        ({"recipe": 1, "steps": [{"technique": "openvino"}, {"technique": "onnxruntime"}]}, "cannot be with"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(data, words):
    with pytest.raises(RecipeError, match=words):
        Recipe.from_dict(data)


def test_the_config_of_another_technique_is_refused():
    with pytest.raises(RecipeError, match="not a"):
        Recipe.of(("compile", technique("bfloat16").config()))


class Configured(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.config = {"hidden": 4}
        self.helper = nn.Identity()

    def forward(self, x):
        return {"scores": self.linear(x)}


@pytest.fixture
def optimized(tmp_path):
    workload = Workload.of(Configured(), inputs=torch.zeros(1, 4))
    return build(Recipe(()), workload, Context(tmp_path, Hardware.current("cpu")))


def test_the_optimized_model_is_for_inference(optimized):
    assert isinstance(optimized, OptimizedModel)
    assert optimized.config == {"hidden": 4}
    assert not optimized(torch.zeros(3, 4))["scores"].requires_grad
    assert optimized.eval() is optimized
    with pytest.raises(ModelError, match="Train the original"):
        optimized.train()
    assert repr(optimized) == "OptimizedModel(Configured: the original)"
    with pytest.raises(AttributeError, match="nothing"):
        optimized.nothing  # noqa: B018


class Talks(nn.Linear):
    """Has a method of its own beside forward."""

    def generate(self):
        return "text"


def test_methods_of_the_users_class_are_still_there():
    assert OptimizedModel(Talks(2, 2), Recipe(()), Talks(2, 2)).generate() == "text"
    with pytest.raises(AttributeError, match="generate"):
        OptimizedModel(nn.Sequential(Talks(2, 2)), Recipe(()), Talks(2, 2)).generate()
    with pytest.raises(AttributeError, match="nonsense"):
        OptimizedModel(Talks(2, 2), Recipe(()), Talks(2, 2)).nonsense()


def test_the_script_of_a_recipe_runs_alone(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ntorch.manual_seed(0)\n"
        "model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU())\n"
        "inputs = torch.randn(2, 3, 16, 16)\nbatches = [(inputs, 0)]\n"
    )
    script = tmp_path / "optimize.py"
    script.write_text(script_of(Recipe.of("fold_batchnorm", "channels_last")))
    assert "tauto" not in script.read_text().replace("TAuto", "")
    done = subprocess.run(
        [sys.executable, script.name, "mine.py:model", "mine.py:inputs", "mine.py:batches"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "optimized" in done.stdout


def test_json_is_strict():
    json.loads(RECIPES[-1].to_json(), parse_constant=pytest.fail)

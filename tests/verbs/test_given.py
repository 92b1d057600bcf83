"""What is given to the verbs that make models smaller, and does not suit them: one clear line, and the model stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument, ModelError, NotTransferable
from tauto.fitting import epochs_of
from tauto.techniques.pruning.weights import compressed_bytes
from tauto.workload.training import Training

ROWS = [torch.randn(8, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
BAD = {"shape": torch.zeros(8, 9), "dtype": torch.zeros(8, 16, dtype=torch.float64)}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


@pytest.fixture
def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    yield model
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training or module._forward_hooks for module in model.modules())


def titles(monkeypatch: pytest.MonkeyPatch, verb: str, *args: Any, **options: Any) -> list[str]:
    """Return the titles of the recipes that a verb would try."""
    plans: list[Any] = []
    monkeypatch.setattr(f"tauto.verbs.{verb}.tune", lambda workload, plan, hardware: plans.append(plan))
    monkeypatch.setattr(f"tauto.verbs.{verb}.deliver_tuned", lambda tuned, *_, **__: tuned)
    getattr(tauto, verb)(*args, **options)
    return [recipe.title for recipe in plans[0].space().recipes]


@pytest.mark.parametrize("verb", [tauto.prune, tauto.factorize, tauto.quantize])
def test_a_model_that_is_quantized_already_is_refused_with_the_layer_named(verb: Callable[..., Any]) -> None:
    model = nn.Sequential(nn.Linear(16, 4), nn.Linear(4, 4))
    model[1].weight = nn.Parameter(torch.zeros(4, 4, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ModelError, match=r"quantized already: its layer '1' \(int8 weights\). Give the model that"):
        verb(model, data=ROWS)


@pytest.mark.parametrize(
    ("verb", "more"), [(tauto.prune, {}), (tauto.factorize, {}), (tauto.quantize, {"method": "qat"})]
)
def test_a_loss_whose_batches_have_no_labels_is_told_before_any_work(net, verb, more) -> None:
    with pytest.raises(InvalidArgument, match=r"loss: a batch of data= has no label .* leave loss= out") as error:
        verb(net, data=ROWS, loss=nn.CrossEntropyLoss(), **more)
    assert "\n" not in str(error.value)


def test_a_student_that_is_quantized_and_a_teacher_that_a_student_is_made_of_are_refused(net) -> None:
    quantized = nn.Sequential(nn.Linear(16, 4))
    quantized[0].weight = nn.Parameter(torch.zeros(4, 16, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ModelError, match=r"^student: it is quantized already: its layer '0' \(int8 weights\)"):
        tauto.distill(quantized, net, data=ROWS)
    with pytest.raises(ModelError, match=r"^teacher: it is quantized already: its layer '0' \(int8 weights\)"):
        tauto.distill("half", quantized, ROWS[0], data=ROWS)


LABELLED = {
    "floats": (torch.zeros(8), nn.CrossEntropyLoss(), r"^loss: it refuses the model's output \(float32\[8, 4\]\)"),
    "too large": (torch.full((8,), 4), nn.CrossEntropyLoss(), r"Give labels that it takes.* Its own error: IndexError"),
    "many": (torch.zeros(8).long(), nn.CrossEntropyLoss(reduction="none"), r"^loss: it returned float32\[8\], not one"),
    "detached": (torch.zeros(8), lambda outputs, labels: outputs.detach().sum(), "^loss: it does not depend on any"),
}
TRAINING = {
    "prune": lambda net, **given: tauto.prune(net, **given),
    "factorize": lambda net, **given: tauto.factorize(net, **given),
    "qat": lambda net, **given: tauto.quantize(net, method="qat", **given),
    "half": lambda net, **given: tauto.distill("half", net, **given),
    "student": lambda net, **given: tauto.distill(STUDENT, net, **given),
}
STUDENT = nn.Sequential(nn.Linear(16, 4))


@pytest.mark.parametrize("what", LABELLED)
@pytest.mark.parametrize("verb", TRAINING)
def test_a_loss_that_cannot_be_computed_is_told_before_any_work(net, what, verb) -> None:
    labels, loss, words = LABELLED[what]
    evaluated: list[int] = []
    random = torch.get_rng_state()
    with pytest.raises(InvalidArgument, match=words) as error:
        TRAINING[verb](
            net, data=[(rows, labels) for rows in ROWS], loss=loss, evaluate=lambda model: evaluated.append(1)
        )
    assert "\n" not in str(error.value)
    assert not evaluated
    assert torch.equal(random, torch.get_rng_state())


@pytest.mark.parametrize("verb", ["prune", "factorize"])
def test_a_function_of_the_model_is_called_once_and_the_title_says_so(net, verb, monkeypatch) -> None:
    def finetune(model):
        return None

    def by_epoch(model, epoch):
        return None

    assert all("1 epoch)" in title for title in titles(monkeypatch, verb, net, data=ROWS, finetune=finetune))
    assert all("3 epochs)" in title for title in titles(monkeypatch, verb, net, data=ROWS, finetune=by_epoch))
    assert all("epoch" not in title for title in titles(monkeypatch, verb, net, data=ROWS, finetune=finetune, epochs=0))
    with pytest.raises(InvalidArgument, match=r"epochs: finetune\(model\) is called once. Write"):
        getattr(tauto, verb)(net, data=ROWS, finetune=finetune, epochs=5)


def test_qat_counts_the_calls_of_a_users_function_the_same_way(net, monkeypatch) -> None:
    options = {"data": ROWS, "method": "qat", "engine": "torch"}
    found = titles(monkeypatch, "quantize", net, finetune=lambda model: None, **options)
    assert all(title.startswith("qat (8 bits, 1 epoch)") for title in found)


def test_epochs_are_as_asked_where_batches_are_trained_on() -> None:
    assert [epochs_of(Training(ROWS), asked, 3) for asked in (None, 0, 7)] == [3, 0, 7]
    assert epochs_of(None, 0, 3) == 0
    with pytest.raises(InvalidArgument, match="nothing to train with"):
        epochs_of(None, 2, 3)


@pytest.mark.parametrize("what", BAD)
def test_the_analysis_names_the_batch_that_the_model_refuses(net, what) -> None:
    with pytest.raises(InvalidArgument, match="data: the model refuses batch 2, of float"):
        tauto.sensitivity(net, data=[ROWS[0], BAD[what]])


def test_inputs_that_the_model_refuses_are_told_as_inputs_in_a_few_shapes(net) -> None:
    words = r"^inputs: the model refuses them, of (float32\[8, 16\], ){5}float32\[8, 16\] and 4 more tensors\. Its own"
    with pytest.raises(InvalidArgument, match=words):
        tauto.quantize(net, ROWS * 5)


@pytest.mark.parametrize("what", BAD)
def test_distilling_speaks_of_data_and_not_of_a_loader(net, what) -> None:
    student = nn.Sequential(nn.Linear(16, 4))
    with pytest.raises(ModelError, match="data: the model refuses a batch") as error:
        tauto.distill(student, net, inputs=ROWS[0], data=[ROWS[0], BAD[what]], epochs=1, budget="5min")
    assert "\n" not in str(error.value)


def test_a_mask_or_an_old_weight_norm_is_named_with_the_way_out() -> None:
    for change in (
        lambda layer: nn.utils.prune.l1_unstructured(layer, "weight", 0.5),
        lambda layer: setattr(layer, "scaled", layer.weight * 2),
    ):
        model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 4))
        change(model[1])
        with pytest.raises(ModelError, match=r"cannot be copied, since 1\.(weight|scaled) is computed anew"):
            tauto.quantize(model, data=ROWS)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        (["0"], r"^ratios: \['0'\] does not say how much of which layer goes. Write such as \{'conv1': 0.2\}"),
        ("0=0.5", "^ratios: '0=0.5' does not say"),
        ({"fc": 0.5}, "^ratios: there is no layer 'fc'. There is: 0, 1, 2"),
    ],
)
def test_shares_of_layers_are_told_before_any_work(net, ratios, words) -> None:
    with pytest.raises(InvalidArgument, match=words):
        tauto.prune(net, data=ROWS, ratios=ratios)


def test_scales_of_normalisations_that_are_not_there_are_no_measure(net) -> None:
    with pytest.raises(InvalidArgument, match=r"^importance: 'bn_scale' goes by .* the model has none\. Write 'l2'"):
        tauto.prune(net, data=ROWS, importance="bn_scale")


def test_what_is_out_of_range_for_qat_is_told_by_its_own_name(net) -> None:
    with pytest.raises(InvalidArgument, match=r"^epochs: 0 is no number of epochs. Write a whole number from 1\.$"):
        tauto.quantize(net, data=ROWS, method="qat", epochs=0)


def test_data_that_makes_the_model_answer_nan_is_named_with_its_batch(net) -> None:
    broken = ROWS[1].clone()
    broken[3, 2] = torch.nan
    for verb in (tauto.sensitivity, tauto.quantize):
        with pytest.raises(InvalidArgument, match=r"^data: batch 2 holds NaN, and the model answers with NaN"):
            verb(net, data=[ROWS[0], broken])


def test_what_is_no_batch_is_told_as_data_and_not_as_inputs(net) -> None:
    with pytest.raises(InvalidArgument, match=r"^data: a str is no batch. Give tensors"):
        tauto.prune(net, ROWS[0], data=["text"])


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_scripted_model_is_refused_by_name() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(16, 4)))
    for verb in (tauto.prune, tauto.factorize, tauto.quantize):
        with pytest.raises(NotTransferable, match="scripted"):
            verb(scripted, ROWS[0])
    with pytest.raises(InvalidArgument, match="no layer"):
        tauto.sensitivity(scripted, ROWS[0])


def test_a_checkpoint_that_is_no_folder_is_refused(net) -> None:
    for given in (3, ""):
        with pytest.raises(InvalidArgument, match=rf"^checkpoint: {given!r} is no folder"):
            tauto.distill(nn.Sequential(nn.Linear(16, 4)), net, data=ROWS, epochs=1, checkpoint=given)  # type: ignore[arg-type]


def test_a_method_that_has_no_kernel_here_says_which_would() -> None:
    found = tauto.quantize(nn.Sequential(nn.Linear(64, 64)), ROWS[0].repeat(1, 4), method="float8", budget=60)
    assert found.verdict == "kept_original"
    assert found.reason.startswith("there was nothing to try: float8: ")
    assert "no technique applies" not in str(found)


def test_tied_weights_are_compressed_once() -> None:
    model = nn.Sequential(nn.Embedding(50, 64), nn.Linear(64, 50, bias=False))
    apart = compressed_bytes(model)
    model[1].weight = model[0].weight
    assert compressed_bytes(model) < 0.6 * apart

import functools
import gc
import math
import random
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import remove_parametrizations
from torch.utils.data import DataLoader, TensorDataset

from tauto.errors import EvaluateError, InvalidArgument, ModelError
from tauto.reports import Agreement
from tauto.workload import Call, QualityRule, Workload, call_from_batch, call_from_inputs, run_evaluate, seen
from tauto.workload.check import check_model
from tauto.workload.state import evaluating, preserved_rng, seeded, thread_count
from tauto.workload.structure import plain_parts


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2))


class Labelled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, features, mask=None):
        return self.linear(features) if mask is None else self.linear(features) * mask


class TestInputs:
    def test_a_tensor_a_tuple_and_a_dict(self, model):
        x = torch.zeros(3, 4)
        assert call_from_inputs(x).args == (x,)
        assert call_from_inputs((x, 1)).args == (x, 1)
        assert call_from_inputs({"features": x}).kwargs == {"features": x}
        assert call_from_inputs(x).batch == 3
        assert call_from_inputs(x)(model).shape == (3, 2)

    @pytest.mark.parametrize("value", ["x", 3, object(), (), {}, (1, 2), {"a": 1}])
    def test_what_is_no_input_is_named(self, value):
        with pytest.raises(InvalidArgument, match=r"^inputs: "):
            call_from_inputs(value)

    def test_labels_of_a_batch_are_dropped(self, model):
        x, y = torch.zeros(3, 4), torch.zeros(3)
        assert call_from_batch((x, y), model, None).args == (x,)
        assert call_from_batch([x, y], Labelled(), None).args == (x,)
        assert call_from_batch({"features": x, "labels": y, "id": 1}, Labelled(), None).kwargs == {"features": x}
        example = Call((x, y))
        assert call_from_batch((x, y, y), model, example).args == (x, y)

    def test_unknown_inputs_say_the_two_ways(self, model):
        with pytest.raises(InvalidArgument, match=r"--inputs NAME.*profile a cell"):
            Workload.of(model)

    def test_a_profiled_cell_gives_the_inputs(self, model):
        for size in (3, 5):
            seen.remember(model, (torch.randn(size, 4),), {})
        workload = Workload.of(model)
        assert workload.example.batch == 3
        assert workload.sample_count == 8
        assert seen.last_model() is model
        seen.forget(model)
        assert seen.calls_of(model) == ()

    def test_what_is_remembered_is_a_bounded_copy(self, model):
        x = torch.ones(100, 4)
        assert seen.remember(model, (x,), {})
        assert seen.remember(model, (x,), {}), "the same again is not kept"
        x.zero_()
        assert seen.calls_of(model)[0].args[0].sum() == 400
        assert not seen.remember(model, (x,), {})
        assert len(seen.calls_of(model)) == 2

    def test_remembering_keeps_no_model_alive(self):
        model = nn.Linear(2, 2)
        seen.remember(model, (torch.zeros(1, 2),), {})
        gone = weakref.ref(model)
        del model
        gc.collect()
        assert gone() is None
        assert seen.last_model() is None


class TestData:
    def test_a_loader_is_read_without_touching_the_random_state(self, model):
        loader = DataLoader(TensorDataset(torch.randn(100, 4), torch.zeros(100)), batch_size=32, shuffle=True)
        before = torch.get_rng_state()
        workload = Workload.of(model, data=loader)
        assert torch.equal(before, torch.get_rng_state())
        assert workload.sample_count == 100
        assert workload.example.batch == 32

    def test_only_so_much_is_taken(self, model):
        workload = Workload.of(model, data=[torch.full((64, 4), float(number)) for number in range(100)])
        assert workload.sample_count == 256

    def test_the_same_batch_again_proves_nothing(self, model):
        assert Workload.of(model, data=[torch.zeros(32, 4)] * 100).sample_count == 32

    def test_a_loaders_own_generator_is_left_alone(self, model):
        generator = torch.Generator().manual_seed(3)
        loader = DataLoader(TensorDataset(torch.randn(100, 4)), batch_size=10, shuffle=True, generator=generator)
        before = generator.get_state()
        Workload.of(model, data=loader)
        assert torch.equal(before, generator.get_state())

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ([], "it is empty"),
            (3, "not an iterable of batches"),
            (torch.zeros(3, 4), "one batch"),
            (iter([torch.zeros(3, 4)]), "read only once"),
            (["text"], "data: a str is no batch"),
            ([(1, 2)], "no tensor"),
        ],
    )
    def test_what_is_no_data_is_named(self, model, data, words):
        with pytest.raises(InvalidArgument, match=words):
            Workload.of(model, data=data)


class TestModelCheck:
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: 3, "int is not a torch.nn.Module"),
            (lambda: nn.Linear, "is a class"),
            (lambda: nn.ReLU(), "no parameters"),
            (lambda: nn.Linear(2, 2, device="meta"), "meta device"),
            (lambda: nn.LazyLinear(2), "lazy"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, make, words):
        with pytest.raises((InvalidArgument, ModelError), match=words):
            Workload.of(make(), inputs=torch.zeros(1, 2))

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_weights_that_are_not_finite_are_named(self, value):
        model = nn.Linear(2, 2)
        with torch.no_grad():
            model.weight[1, 1] = value
        with pytest.raises(ModelError, match="weight holds NaN or infinite"):
            Workload.of(model, inputs=torch.zeros(1, 2))

    def test_quantized_weights_are_looked_at_by_what_they_are_made_of(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torchao, as it is imported
            from torchao.quantization import Int8WeightOnlyConfig, quantize_
        model = nn.Linear(4, 2)
        quantize_(model, Int8WeightOnlyConfig())
        assert check_model(model) is model
        next(part for part in plain_parts(model.weight.data) if part.is_floating_point()).fill_(math.nan)
        with pytest.raises(ModelError, match="weight holds NaN or infinite"):
            check_model(model)

    def test_a_sum_that_overflows_is_no_fault(self):
        model = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            model.weight.fill_(3e38)
        Workload.of(model, inputs=torch.zeros(1, 2))


class TestCopies:
    def test_a_copy_shares_nothing_and_leaves_the_random_state(self, model):
        workload = Workload.of(model, inputs=torch.zeros(1, 4))
        state = torch.get_rng_state()
        twin = workload.copy_model()
        assert torch.equal(state, torch.get_rng_state())
        assert not twin.training
        assert model.training
        assert {p.data_ptr() for p in twin.parameters()}.isdisjoint(p.data_ptr() for p in model.parameters())

    def test_what_is_taken_from_a_parametrized_copy_stays_on_the_model(self):
        model = nn.Sequential(
            parametrizations.weight_norm(nn.Linear(4, 4)), parametrizations.spectral_norm(nn.Linear(4, 2))
        )
        x = torch.ones(1, 4)
        expected = model.eval()(x)
        twin = Workload.of(model, inputs=x).copy_model()
        for layer in twin:
            remove_parametrizations(layer, "weight")
        assert torch.equal(model(x), expected)
        assert torch.allclose(twin(x), expected)
        assert "Parametrized" in repr(model)
        assert "Parametrized" not in repr(twin)

    def test_what_cannot_be_copied_names_the_factory(self):
        class Stubborn(nn.Linear):
            def __deepcopy__(self, memo):
                raise TypeError("I will not")

        model = Stubborn(2, 2)
        with pytest.raises(ModelError, match=r"I will not.*factory="):
            Workload.of(model, inputs=torch.zeros(1, 2)).copy_model()
        twin = Workload.of(model, inputs=torch.zeros(1, 2), factory=lambda: nn.Linear(2, 2)).copy_model()
        assert torch.equal(twin.weight, model.weight)

    def test_a_factory_of_another_shape_is_named(self):
        workload = Workload.of(nn.Linear(2, 2), inputs=torch.zeros(1, 2), factory=lambda: nn.Linear(3, 2))
        with pytest.raises(ModelError, match=r"^factory: what it builds does not take"):
            workload.copy_model()


class TestQuality:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "returned nothing"),
            ({}, "returned nothing"),
            ("high", "returned a str"),
            (torch.ones(3), "no single number"),
            (math.nan, "not a finite"),
            (True, "a bool"),
        ],
    )
    def test_what_evaluate_may_not_return(self, model, value, words):
        with pytest.raises(EvaluateError, match=words):
            run_evaluate(lambda _: value, model)

    def test_what_evaluate_raises_is_named_with_its_own_words(self, model):
        def accuracy(_):
            raise KeyError("labels")

        with pytest.raises(EvaluateError, match=r"^evaluate: accuracy raised KeyError: 'labels'"):
            run_evaluate(accuracy, model)

    def test_numbers_of_other_kinds_are_taken(self, model):
        metrics = run_evaluate(lambda _: {"a": torch.tensor(0.5), "b": np.float32(0.25), "c": 1}, model)
        assert metrics == {"a": 0.5, "b": 0.25, "c": 1.0}

    def test_what_has_no_name_is_called_quality(self, model):
        assert run_evaluate(lambda _: 1.0, model) == {"quality": 1.0}
        assert run_evaluate(functools.partial(lambda score, _: score, 2.0), model) == {"quality": 2.0}

    def test_drop_in_both_directions(self):
        up = QualityRule().judge({"accuracy": 0.98}, {"accuracy": 0.9702})
        assert up[0].held
        assert not QualityRule().judge({"accuracy": 0.98}, {"accuracy": 0.97})[0].held
        down = QualityRule(higher_is_better=False).judge({"loss": 1.0}, {"loss": 1.05})
        assert down[0].drop == pytest.approx(0.05)
        assert not down[0].held

    def test_a_metric_that_is_not_there_has_close_matches(self):
        with pytest.raises(InvalidArgument, match="Did you mean 'accuracy'"):
            QualityRule(metric="acuracy").judge({"accuracy": 1.0, "f1": 1.0}, {})

    @pytest.mark.parametrize(
        ("cosine", "error", "samples", "held"),
        [(0.999, 0.05, 64, True), (0.999, 0.05, 63, None), (0.98, 0.05, 64, False), (0.999, 0.2, 10, False)],
    )
    def test_agreement_without_evaluate(self, cosine, error, samples, held):
        assert QualityRule().agreement_held(Agreement(cosine, error, None, samples)) is held


class TestState:
    def test_modes_come_back_module_by_module(self, model):
        model[2].eval()
        with evaluating(model):
            assert not any(module.training for module in model.modules())
        assert [module.training for module in model] == [True, True, False, True]

    def test_random_states_come_back(self):
        before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())
        with seeded(3):
            first = torch.rand(1), random.random(), np.random.rand()
        with preserved_rng():
            torch.manual_seed(3)
        with seeded(3):
            assert first == (torch.rand(1), random.random(), np.random.rand())
        assert random.getstate() == before[0]
        assert np.random.get_state()[1].tolist() == before[1]
        assert torch.equal(torch.get_rng_state(), before[2])

    def test_threads_come_back(self):
        before = torch.get_num_threads()
        with thread_count(before + 1):
            assert torch.get_num_threads() == before + 1
        assert torch.get_num_threads() == before

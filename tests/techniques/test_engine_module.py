"""What holds for every engine."""

import copy
import pickle

import pytest
import torch
from engine_models import (
    Answer,
    Branching,
    ConvNet,
    Decoder,
    Loop,
    Mlp,
    Nested,
    Odd,
    Recurrent,
    bert,
    call_of,
    workload_of,
)

from tauto.errors import CandidateFailed, ModelError, NotExportable
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.workload.structure import flatten

pytest.importorskip("onnxruntime")
pytest.importorskip("openvino")

ENGINES = ("onnxruntime", "openvino")


def applied(name, workload, folder, **context):
    engine = technique(name)
    return engine.apply(workload, engine.config(), Context(folder, Hardware.current(), **context))


def agree(module, model, call, tolerance=1e-4):
    with torch.no_grad():
        expected, structure = flatten(call(model))
        got, got_structure = flatten(call(module))
    assert type(call(module)) is type(call(model))
    assert str(got_structure) == str(structure)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def prepared(engine, tmp_path_factory):
    """Return a function that gives the module of a kind of model, its workload and its folder: prepared once."""
    made = {}

    def of(kind):
        if kind not in made:
            workload, folder = workload_of(kind), tmp_path_factory.mktemp(kind.__name__)
            made[kind] = applied(engine, workload, folder), workload, folder
        return made[kind]

    return of


@pytest.fixture(scope="module")
def mlp(prepared):
    module, workload, _ = prepared(Mlp)
    return module, workload.model


@pytest.mark.parametrize("kind", [ConvNet, Recurrent, Decoder, Nested, Odd, Loop, bert])
def test_answers_as_the_original_at_every_batch_size(prepared, kind):
    module, workload, _ = prepared(kind)
    for batch in (1, 3, 7, 2, 5, 3):
        agree(module, workload.model, call_of(kind, batch))


def test_smaller_last_batch_of_a_loader(engine, tmp_path):
    workload = workload_of(ConvNet, batch=4)
    module = applied(engine, workload, tmp_path)
    for images in torch.randn(11, 3, 16, 16).split(4):
        agree(module, workload.model, lambda model, images=images: model(images))


def test_says_how_other_batches_are_answered(prepared):
    assert "any batch size" in repr(prepared(Mlp)[0])
    assert "in pieces of 1" in repr(prepared(Loop)[0])


def test_answer_is_not_overwritten_by_the_next_call(mlp):
    module, model = mlp
    first, second = torch.randn(1, 16), torch.randn(1, 16)
    held = module(first)
    kept = held.clone()
    module(second)
    assert torch.equal(held, kept)
    held.zero_()
    torch.testing.assert_close(module(first), model(first).detach(), rtol=1e-4, atol=1e-5)


def test_input_is_not_touched(prepared):
    module, call = prepared(Odd)[0], call_of(Odd, 1)
    before = [tensor.clone() for tensor in call.tensors]
    call(module)["x"].zero_()
    assert all(map(torch.equal, call.tensors, before))


def test_arguments_by_position_and_by_name_are_the_same_call(prepared):
    module, workload, _ = prepared(bert)
    call = call_of(bert, 2)
    ids, mask = call.kwargs["input_ids"], call.kwargs["attention_mask"]
    expected = call(workload.model)
    for got in (module(ids, mask), module(ids, attention_mask=mask), module(attention_mask=mask, input_ids=ids)):
        torch.testing.assert_close(got.pooler_output, expected.pooler_output.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m(torch.randn(1, 15)), r"float32\[batch, 16\], not float32\[1, 15\]"),
        (lambda m: m(torch.randn(1, 16).double()), r"not float64\[1, 16\]"),
        (lambda m: m(torch.randn(16)), r"not float32\[16\]"),
        (lambda m: m(torch.randn(1, 16), torch.randn(1)), "other arguments"),
        (lambda m: m(), "other arguments"),
        (lambda m: m([1.0]), "other arguments"),
    ],
)
def test_a_call_it_was_not_prepared_for_is_refused_in_words(mlp, call, words):
    with pytest.raises(ModelError, match=words):
        call(mlp[0])


def test_inputs_that_are_not_contiguous_or_need_gradients(mlp):
    module, model = mlp
    for x in (torch.randn(16, 3).t(), torch.randn(3, 32)[:, ::2], torch.randn(2, 16, requires_grad=True)):
        agree(module, model, lambda target, x=x: target(x))


def test_loading_needs_no_export(engine, prepared, monkeypatch):
    _, workload, folder = prepared(Nested)
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: pytest.fail("exported"))
    module = applied(engine, workload, folder, may_prepare=False)
    assert isinstance(call_of(Nested, 2)(module), Answer)


def test_without_files_it_says_so(engine, tmp_path):
    with pytest.raises(CandidateFailed, match="not prepared"):
        applied(engine, workload_of(Mlp), tmp_path, may_prepare=False)


def test_half_written_files_of_a_killed_process_are_replaced(engine, tmp_path):
    part = tmp_path / "part-engine"
    part.mkdir()
    (part / "model.onnx").write_bytes(b"half")
    workload = workload_of(Mlp)
    agree(applied(engine, workload, tmp_path), workload.model, call_of(Mlp, 1))
    assert not part.exists()


def test_copies_and_pickles_by_its_files(mlp):
    module, model = mlp
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        agree(twin, model, call_of(Mlp, 3))


def test_ships_its_files_and_holds_no_weights(mlp):
    module, model = mlp
    files = [file for file in module.engine.folder.rglob("*") if file.is_file()]
    assert module.shipped_bytes == sum(file.stat().st_size for file in files)
    assert module.shipped_bytes >= sum(parameter.numel() * 4 for parameter in model.parameters())
    assert sum(parameter.numel() for parameter in module.parameters()) == 0
    assert next(module.parameters()).device.type == "cpu"


def test_control_flow_on_values_is_refused_in_words(engine, tmp_path):
    with pytest.raises(NotExportable, match="control flow depends on the values of its inputs"):
        applied(engine, workload_of(Branching), tmp_path)


def test_applies_to_float32_models_only(engine):
    workload = workload_of(Mlp)
    known, hardware = technique(engine), Hardware.current()
    assert known.applies_to(workload, hardware).applies
    half = known.applies_to(workload.with_model(workload.copy_model().half()), hardware)
    assert not half.applies
    assert "float16" in half.reason


def test_lengths_that_differ_among_the_samples_are_free(engine, tmp_path):
    workload = workload_of(Decoder)
    import dataclasses

    from tauto.workload import Call

    calls = tuple(Call((torch.randint(0, 50, (2, length)),)) for length in (7, 5, 9))
    module = applied(engine, dataclasses.replace(workload, example=calls[0], samples=calls), tmp_path)
    for batch, length in ((2, 7), (1, 3), (3, 11)):
        agree(module, workload.model, Call((torch.randint(0, 50, (batch, length)),)))


def test_prints_and_changes_nothing(engine, tmp_path, capfd):
    workload = workload_of(ConvNet)
    weights = copy.deepcopy(workload.model.state_dict())
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    engine_of = technique(engine)
    for config in engine_of.space(workload, Hardware.current()):
        folder = tmp_path / str(config.precision)
        engine_of.apply(workload, config, Context(folder, Hardware.current()))(torch.randn(2, 3, 16, 16))
        torch.set_rng_state(state)
    engine_of.apply(workload, engine_of.config(), Context(tmp_path / "again", Hardware.current()))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert all(torch.equal(weights[name], value) for name, value in workload.model.state_dict().items())
    assert capfd.readouterr() == ("", "")

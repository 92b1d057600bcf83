"""Embedding tables in an engine's files: int8 wherever they are read, and left as they are where that is asked for."""

import numpy
import onnx
import onnx.numpy_helper
import pytest
import torch
from torch import nn

from tauto.conversion.openvino import import_openvino
from tauto.hardware import Hardware
from tauto.measurement import size_bytes
from tauto.recipes import Recipe
from tauto.techniques import Context, technique
from tauto.techniques.engines.openvino_files import read_graph, write_graph
from tauto.techniques.engines.tables import embedding_tables, read_from, rows_in_int8
from tauto.tuning.int8_layers import quantizes, quantizing_step
from tauto.tuning.quantizable import quantizable_layers
from tauto.workload import Workload

pytest.importorskip("openvino")
PLACES, WORDS, WIDTH = 24, 40, 64
INT8 = [("openvino", "int8"), ("onnxruntime", "int8_dynamic")]


class Places(nn.Module):
    """Words are looked up; places are read alike in every call, so that the exporter stores what was read."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.middle, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 8)

    def forward(self, ids):
        return self.head(self.middle(self.words(ids) + self.places(torch.arange(ids.shape[1]))).relu())


@pytest.fixture(scope="module")
def workload():
    torch.manual_seed(0)
    drawn = torch.Generator().manual_seed(0)
    calls = [torch.randint(0, WORDS, (4, PLACES), generator=drawn) for _ in range(4)]
    return Workload.of(Places().eval(), data=calls)


def applied(workload, folder, name, **config):
    """What is exported is shared by all that lie in one folder."""
    known, machine = technique(name), Hardware.current()
    return known.apply(
        workload, known.config(**config), Context(folder, machine, before=Context(folder.parent, machine))
    )


def float_arrays(folder):
    """The float32 weights in an engine's folder."""
    if (folder / "model.onnx").exists():
        weights = onnx.load(folder / "model.onnx").graph.initializer
        arrays = [onnx.numpy_helper.to_array(tensor) for tensor in weights]
    else:
        graph, mapped = read_graph(import_openvino().Core(), folder)
        arrays = [op.data.copy() for op in graph.get_ordered_ops() if op.get_type_name() == "Constant"]
        del graph, mapped
    return [array for array in arrays if array.dtype == "float32"]


def tables_left(folder, model):
    """Which embeddings have float32 rows in the files."""
    arrays = float_arrays(folder)
    weights = {name: module.weight.detach().numpy() for name, module in model.named_children() if name[-1] == "s"}
    return {name for name, weight in weights.items() if any(read_from(array, weight) for array in arrays)}


@pytest.mark.parametrize(("name", "precision"), INT8)
def test_no_table_stays_wide_but_what_is_kept(name, precision, workload, tmp_path):
    module = applied(workload, tmp_path / "all", name, precision=precision)
    assert tables_left(tmp_path / "all" / "engine", workload.model) == set()
    call = workload.samples[1]
    with torch.no_grad():
        right = call(workload.model)
        assert (call(module) - right).norm() < 0.05 * right.norm()
    for kept in ("words", "places"):
        applied(workload, tmp_path / kept, name, precision=precision, keep=(kept,))
        assert tables_left(tmp_path / kept / "engine", workload.model) == {kept}


def test_the_files_of_int8_are_smaller_than_a_third(workload, tmp_path):
    """Of a network this small the graph's description counts most, so that what is stored of it is seen."""
    wide = Places()
    wide.middle, wide.head = nn.Sequential(nn.Linear(WIDTH, 512), nn.ReLU(), nn.Linear(512, 512)), nn.Linear(512, 8)
    workload = workload.with_model(wide.eval())
    original = size_bytes(workload.model)
    for name, precision in INT8:
        assert 3.3 * applied(workload, tmp_path / f"{name}8", name, precision=precision).shipped_bytes < original
    for name in ("openvino", "onnxruntime"):
        module = applied(workload, tmp_path / name, name, precision="float32")
        files = list((tmp_path / name / "engine").iterdir())
        assert module.shipped_bytes == sum(file.stat().st_size for file in files)
        assert original < module.shipped_bytes < 1.02 * original
        assert float_arrays(tmp_path / name / "engine")


def test_a_graph_without_weights_is_read_back_and_equal_graphs_are_equal_files(tmp_path):
    openvino = import_openvino()
    taken = openvino.opset13.parameter([2], numpy.float32, name="input0")
    graph = openvino.Model([openvino.opset13.relu(taken)], [taken])
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_graph(graph, tmp_path / name)
    assert (tmp_path / "one" / "model.xml.gz").read_bytes() == (tmp_path / "other" / "model.xml.gz").read_bytes()
    read, weights = read_graph(openvino.Core(), tmp_path / "one")
    assert weights.size == 0
    answer = openvino.compile_model(read, "CPU")([numpy.array([-1.0, 2.0], "float32")])[0]
    assert answer.tolist() == [0.0, 2.0]


def test_rows_are_found_in_their_table_alone():
    table = numpy.random.default_rng(0).normal(size=(64, 32)).astype("float32")
    assert read_from(table, table)
    assert read_from(table[None, 5:45], table)
    assert not read_from(table[:4], table)  # too small to be worth it
    assert not read_from(table + 1, table)
    assert not read_from(numpy.vstack([table[:40], table[:1] + 1]), table)
    assert not read_from(table.T.reshape(64, 32), table)
    assert not read_from(table.astype("float64"), table)


def test_int8_rows_err_by_half_a_step_at_most():
    array = numpy.random.default_rng(0).normal(size=(2, 8, 16)).astype("float32") * numpy.array([[[1.0]], [[1e4]]])
    array[0, 0] = 0.0
    values, scale = rows_in_int8(array.astype("float32"))
    assert values.dtype == "int8"
    assert scale.shape == (2, 8, 1)
    assert (numpy.abs(values * scale - array) <= 0.51 * scale).all()


def test_a_table_that_is_shared_with_a_kept_layer_is_kept():
    model = Places()
    model.head = nn.Linear(WIDTH, WORDS)
    model.head.weight = model.words.weight
    assert len(embedding_tables(model, ())) == 2
    assert [len(table) for table in embedding_tables(model, ["head"])] == [PLACES]


def test_the_layers_of_a_result_count_tables_where_they_are_narrow():
    layers = {layer.path: layer for layer in quantizable_layers(Places())[0]}
    for step, narrow in ((("openvino", {"precision": "int8"}), True), ("int8_static", False), ("int8_dynamic", False)):
        assert quantizes(quantizing_step(Recipe.of(step)))(layers["places"]) is narrow

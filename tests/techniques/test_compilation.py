from __future__ import annotations

import dataclasses
import pickle
import sys
import threading
import types
import warnings
from pathlib import Path

import psutil
import pytest
import torch
import torch._inductor.config
from torch import Tensor, nn
from torch._dynamo.utils import counters

from tauto.errors import CandidateFailed, FallbackWarning, ModelError
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, build
from tauto.techniques import Context, technique
from tauto.techniques.engines.compilation import CompileConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
COMPILE = technique("compile")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, values: Tensor) -> Tensor:
        return self.second(self.first(values).sigmoid() * 2)


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


def workload(*more: Tensor) -> Workload:
    data = [torch.randn(4, 8), *more]
    return Workload.of(Net(), inputs=data[0], data=data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compile")


@pytest.fixture(scope="module")
def given() -> Workload:
    torch.manual_seed(0)
    return workload()


@pytest.fixture(scope="module")
def children() -> set[int]:
    """Processes that other tests left in this one, such as TAuto's own fork server."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture(scope="module")
def compiled(children: set[int], given: Workload, folder: Path) -> OptimizedModel:
    return build(Recipe.of("compile"), given, Context(folder, HARDWARE))


def test_calls_of_any_mode_run_what_was_compiled(compiled: OptimizedModel, given: Workload) -> None:
    values = given.example.args[0]
    with torch.no_grad():
        expected = given.model(values)
    before = graphs()
    answers = [compiled(values), compiled(values.clone())]
    with torch.inference_mode():
        answers += [compiled(values), compiled(values.clone())]
    for answer in answers:
        torch.testing.assert_close(answer, expected)
    assert graphs() == before


def test_another_number_of_threads_is_prepared_for_once(compiled: OptimizedModel, given: Workload) -> None:
    values, threads, before = given.example.args[0], torch.get_num_threads(), graphs()
    torch.set_num_threads(threads + 1)
    try:
        compiled(values)
        compiled(values)
    finally:
        torch.set_num_threads(threads)
    compiled(values)
    assert graphs() == before + 1


def test_a_number_of_threads_of_its_own_is_prepared_for_when_applied(given: Workload, tmp_path: Path) -> None:
    recipe = Recipe.of("compile", ("threads", {"count": torch.get_num_threads() + 1}))
    model = build(recipe, given, Context(tmp_path, HARDWARE))
    values, before = given.example.args[0], graphs()
    torch.testing.assert_close(model(values), given.copy_model()(values))
    assert graphs() == before


def test_other_shapes_are_answered_uncompiled_and_said_once(compiled: OptimizedModel, given: Workload) -> None:
    before = graphs()
    with pytest.warns(FallbackWarning, match=r"float32\[3, 8\] are not those it was compiled for"):
        answer = compiled(torch.ones(3, 8))
    torch.testing.assert_close(answer, given.copy_model()(torch.ones(3, 8)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(torch.ones(2, 8))
    assert graphs() == before


def test_shapes_that_vary_are_compiled_for(tmp_path: Path) -> None:
    given = workload(*(torch.randn(size, 8) for size in (6, 7, 9)))
    assert [config.shapes for config in COMPILE.space(given, HARDWARE)] == ["any", "any"]
    model = build(Recipe.of(("compile", {"shapes": "any"})), given, Context(tmp_path, HARDWARE))
    before = graphs()
    for size in (7, 9, 12):
        values = torch.randn(size, 8)
        torch.testing.assert_close(model(values), given.copy_model()(values))
    assert graphs() == before  # the second shape made the first dimension a variable


def test_one_code_takes_sizes_that_vary_from_the_first(tmp_path: Path) -> None:
    given, before = workload(torch.randn(6, 8)), graphs()
    model = build(Recipe.of(("compile", {"shapes": "dynamic"})), given, Context(tmp_path, HARDWARE))
    assert graphs() == before + 1
    for size in (6, 9):
        values = torch.randn(size, 8)
        torch.testing.assert_close(model(values), given.copy_model()(values))
    assert graphs() == before + 1


def test_other_weights_find_what_was_compiled_before_and_answer_as_their_own_model(tmp_path: Path) -> None:
    for run, seed in enumerate((1, 2)):
        torch.manual_seed(seed)
        # a constant of fewer than eight numbers would be written into the code
        wide = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 16))
        given = Workload.of(wide, inputs=torch.randn(4, 8))
        context = Context(tmp_path / str(run), HARDWARE, cache=tmp_path / "cache")
        model = COMPILE.apply(given, CompileConfig(), context)
        torch.testing.assert_close(given.example(model), given.copy_model()(given.example.args[0]))
        told = COMPILE.account(CompileConfig(), context).notes[0]
        assert ("from the cache of an earlier run" in told) is (run == 1)


def test_a_class_that_came_by_value_finds_the_names_it_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "notebook_main", types.ModuleType("notebook_main"))  # as a trial's __main__: empty
    names: dict[str, object] = {"__name__": "notebook_main", "torch": torch, "nn": nn}
    exec("class Cell(nn.Linear):\n    def forward(self, x):\n        return torch.sin(x @ self.weight)\n", names)
    given = Workload.of(names["Cell"](8, 8), inputs=torch.randn(4, 8))  # type: ignore[operator]
    compiled = COMPILE.apply(given, CompileConfig(), Context(tmp_path, HARDWARE))
    torch.testing.assert_close(given.example(compiled), given.example(given.copy_model()))


def test_cuda_graphs_are_refused_on_a_cpu(given: Workload, tmp_path: Path) -> None:
    with pytest.raises(CandidateFailed, match="there is no GPU here"):
        COMPILE.apply(given, CompileConfig(mode="reduce-overhead"), Context(tmp_path, HARDWARE))


def test_the_script_says_the_mode() -> None:
    body = COMPILE.script(CompileConfig(False, "dynamic", "max-autotune")).body
    assert "torch.compile(model, dynamic=True, mode='max-autotune')" in body


def test_the_process_is_as_before(compiled: OptimizedModel, children: set[int]) -> None:
    assert torch._inductor.config.freezing is False
    now = psutil.Process().children(recursive=True)
    assert not [child for child in now if child.pid not in children and "python" in child.name()]


def test_loading_leaves_no_threads_and_compiles_nothing(
    given: Workload, compiled: OptimizedModel, folder: Path
) -> None:
    libraries = {path: path.stat().st_mtime_ns for path in folder.rglob("*.so")}
    threads = {thread.ident for thread in threading.enumerate()}
    loaded = build(Recipe.of("compile"), given, Context(folder, HARDWARE, may_prepare=False))
    torch.testing.assert_close(given.example(loaded), given.example(compiled))
    assert libraries
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.so")} == libraries
    assert {thread.ident for thread in threading.enumerate()} <= threads


def test_nothing_is_loaded_that_was_not_prepared(given: Workload, tmp_path: Path) -> None:
    with pytest.raises(CandidateFailed, match="was not prepared"):
        COMPILE.apply(given, CompileConfig(), Context(tmp_path, HARDWARE, may_prepare=False))


def test_the_users_own_compiled_code_is_kept(given: Workload, folder: Path) -> None:
    calls: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:
        calls.append(len(inputs))
        return graph.forward

    mine = torch.compile(given.copy_model(), backend=backend)
    mine(given.example.args[0])
    build(Recipe.of("compile"), given, Context(folder, HARDWARE, may_prepare=False))(given.example.args[0])
    mine(given.example.args[0])
    assert len(calls) == 1


def test_a_compiler_that_fails_is_a_reason_in_words(
    given: Workload, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # monkeypatch takes it back by deleting, and then this process has no compiler any more
    broken = torch._inductor.config.patch({"cpp.cxx": ("/bin/false",)})
    with broken, pytest.raises(CandidateFailed, match="it could not be compiled: ") as caught:
        COMPILE.apply(given, CompileConfig(freezing=False), Context(tmp_path, HARDWARE))
    assert "backend=" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert capfd.readouterr() == ("", "")


def test_without_a_compiler_it_says_what_to_install(given: Workload) -> None:
    verdict = COMPILE.applies_to(given, dataclasses.replace(HARDWARE, compiler=None, platform="linux"))
    assert verdict.reason == "no C++ compiler was found"
    assert "g++" in verdict.remedy


def test_it_cannot_be_pickled_and_says_what_to_keep(compiled: OptimizedModel) -> None:
    with pytest.raises(ModelError, match="Keep its recipe"):
        pickle.dumps(compiled)

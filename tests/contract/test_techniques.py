"""What every registered technique is held to, over models of many kinds."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import contract_workloads
import pytest
import torch
from contract_state import model_state, process_state
from contract_workloads import BATCH, NAMES, workload

import tauto
from tauto.errors import CandidateFailed, FallbackWarning, ModelError
from tauto.execution import compiler_cache
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, build, script_of
from tauto.techniques import Context, Technique, technique, techniques
from tauto.workload import Call, Workload
from tauto.workload.structure import flatten, map_tensors, tensors_of

HARDWARE = Hardware.current()


@dataclass(frozen=True)
class Case:
    """One configured technique on one kind of model."""

    technique: str
    config: Any
    kind: str

    @property
    def recipe(self) -> Recipe:
        return Recipe.of((self.technique, self.config))

    @property
    def heavy(self) -> bool:
        return technique(self.technique).family == "engine"

    @property
    def hooked(self) -> bool:
        """Whether its model has a hook: what is exported is refused with one."""
        return not technique(self.technique).exports

    def workload(self) -> Workload:
        return workload(self.kind, self.hooked)

    def __str__(self) -> str:
        return f"{self.recipe.title}-{self.kind}"


@dataclass
class Built:
    """What came of building a case: a model, or why there is none; and what it changed on the way."""

    workload: Workload
    model: OptimizedModel | None
    failure: str
    violation: str
    changed: list[str]
    folder: Path


def _applying() -> list[tuple[Technique, str]]:
    return [(item, kind) for item in techniques() for kind in NAMES]


def _cases() -> list[Case]:
    """Every configuration on every kind; of engines, which take seconds, the others on one kind only."""
    cases = []
    for item, kind in _applying():
        given = workload(kind)
        if item.missing().applies and item.applies_to(given, HARDWARE).applies:
            configs = item.space(given, HARDWARE)
            kept = configs if item.family != "engine" or kind == "conv" else configs[:1]
            cases += [Case(item.name, config, kind) for config in kept]
    return cases


CASES = _cases()
ONCE = [case for case in CASES if not case.heavy or case.kind == "conv"]
FIRST = list({case.technique: case for case in reversed(CASES)}.values())
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in {*before, *after} if before.get(name) != after.get(name)]


def _context(folder: Path, **options: Any) -> Context:
    """Return the surroundings of a trial: what the compiler has built once it does not build again."""
    return Context(folder, HARDWARE, seed=3, cache=compiler_cache(), **options)


def _build(case: Case, folder: Path) -> Built:
    given = case.workload()
    model, failure, violation = None, "", ""
    before, around = model_state(given.model), process_state()
    try:
        model = build(case.recipe, given, _context(folder))
        given.example(model)
    except CandidateFailed as error:
        failure = str(error)
    except Exception as error:  # reported by a test of its own, so that one technique does not fail the others
        violation = f"{type(error).__name__}: {error}"
    changed = _differences(before, model_state(given.model)) + _differences(around, process_state())
    return Built(given, model if not violation else None, failure, violation, changed, folder)


class Workshop:
    """Builds each case once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._built: dict[str, Built] = {}

    def __getitem__(self, case: Case) -> Built:
        key = str(case)
        if key not in self._built:
            self._built[key] = _build(case, self.folder / str(len(self._built)))
        return self._built[key]

    def model(self, case: Case) -> tuple[OptimizedModel, Workload]:
        """Return the model, or skip the test of a candidate that refused with a reason."""
        built = self[case]
        if built.model is None and built.violation:
            pytest.fail(built.violation)
        if built.model is None:
            pytest.skip(f"refused: {built.failure}")
        return built.model, built.workload


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("contract"))


def _original(given: Workload, call: Call) -> Any:
    with torch.no_grad():
        return call(given.copy_model())


def _answer(model: Any, call: Call) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        return call(model)


def _tolerance(case: Case) -> float:
    """Return the relative error allowed: rounding for what computes in float32, more for fewer bits."""
    words = str(case.recipe.steps[0])
    if technique(case.technique).family == "pruning":  # parts are gone for good, and an empty answer would be 1.0 away
        return 0.9
    if "int8" in words:
        return 0.15
    return 0.03 if "16" in words else 1e-3


def _assert_agrees(expected: Any, found: Any, tolerance: float) -> None:
    one, skeleton = flatten(expected)
    two, other = flatten(found)
    assert type(found) is type(expected)
    assert skeleton == other
    for right, given in zip(one, two, strict=True):
        assert given.shape == right.shape
        assert given.dtype == right.dtype
        assert given.device == right.device
        if right.is_floating_point():
            error = (given - right).norm() / right.norm().clamp_min(1e-6)
            assert error <= tolerance, f"relative error {error:.4f}"
        else:
            assert torch.equal(given, right)


@pytest.mark.parametrize("kind", NAMES)
def test_the_workloads_tell_inputs_apart(kind: str) -> None:
    """A model that answers everything alike would pass whatever a technique does to it."""
    given = workload(kind)
    one, two = ([item.float() for item in tensors_of(_original(given, call))] for call in given.samples[:2])
    assert (one[0] - two[0]).norm() > 0.1 * one[0].norm()


@pytest.mark.parametrize("item", techniques(), ids=lambda item: item.name)
def test_nothing_it_needs_is_missing_here(item: Technique) -> None:
    assert item.missing().applies, f"{item.missing().reason}: {item.name} is not held to the contract"


@pytest.mark.parametrize(("item", "kind"), _applying(), ids=lambda value: getattr(value, "name", value))
def test_it_applies_or_says_why_not(item: Technique, kind: str) -> None:
    given = workload(kind)
    before, around = model_state(given.model), process_state()
    verdict = item.applies_to(given, HARDWARE)
    assert verdict.applies or len(verdict.reason.split()) >= 3
    assert not verdict.reason.endswith(".")
    if verdict.applies:
        configs = item.space(given, HARDWARE)
        assert configs
        assert len(set(configs)) == len(configs)
        assert all(type(config) is item.config for config in configs)
    assert not _differences(before, model_state(given.model))
    assert not _differences(around, process_state())


@each_case
def test_a_recipe_of_it_survives_writing(case: Case) -> None:
    for text in (case.recipe.to_json(), case.recipe.to_yaml()):
        assert Recipe.parse(text) == case.recipe
    assert json.loads(json.dumps(case.recipe.to_dict())) == case.recipe.to_dict()


@each_case
def test_the_model_and_the_process_are_left_as_they_were(case: Case, workshop: Workshop) -> None:
    assert workshop[case].changed == []


@each_case
def test_a_refusal_says_why(case: Case, workshop: Workshop) -> None:
    built = workshop[case]
    assert built.violation == ""
    assert built.model is not None or len(built.failure.split()) >= 3
    assert "\n" not in built.failure


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_it_works_for_some_kind_of_model(case: Case, workshop: Workshop) -> None:
    failures = []
    for one in (one for one in CASES if one.technique == case.technique):
        if workshop[one].model is not None:
            return
        failures.append(workshop[one].failure)
    pytest.fail(f"for none: {failures}")


@each_case
def test_outputs_agree_in_structure_type_and_value(case: Case, workshop: Workshop) -> None:
    model, given = workshop.model(case)
    for call in (given.example, given.samples[1]):
        _assert_agrees(_original(given, call), _answer(model, call), _tolerance(case))


@each_case
def test_other_batch_sizes_are_answered(case: Case, workshop: Workshop) -> None:
    model, given = workshop.model(case)
    for size in (1, BATCH - 1, BATCH + 2):
        call = _resized(given.example, size)
        _assert_agrees(_original(given, call), _answer(model, call), _tolerance(case))


def _resized(call: Call, size: int) -> Call:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        return torch.cat([tensor, tensor])[:size]

    return Call(map_tensors(change, call.args), map_tensors(change, call.kwargs))


@each_case
def test_inputs_are_left_as_they_were_and_answers_are_the_callers(case: Case, workshop: Workshop) -> None:
    model, given = workshop.model(case)
    before = [tensor.clone() for tensor in given.example.tensors]
    first = [tensor.clone() for tensor in tensors_of(_answer(model, given.example))]
    kept = tensors_of(_answer(model, given.example))
    _answer(model, given.samples[1])
    # an engine that reuses its output buffer would change what the caller already holds
    for mine, again in zip(first, kept, strict=True):
        torch.testing.assert_close(mine, again, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(one, two) for one, two in zip(before, given.example.tensors, strict=True))


@each_case
def test_it_runs_without_gradients_in_any_mode(case: Case, workshop: Workshop) -> None:
    model, given = workshop.model(case)
    expected = tensors_of(_answer(model, given.example))
    with torch.inference_mode():
        copies = map_tensors(torch.clone, given.example.args), map_tensors(torch.clone, given.example.kwargs)
        inferred = tensors_of(_answer(model, Call(*copies)))
    for right, found in zip(expected, inferred, strict=True):
        assert not right.requires_grad
        torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-4)


@each_case
def test_it_refuses_training_and_names_its_recipe(case: Case, workshop: Workshop) -> None:
    model, _ = workshop.model(case)
    with pytest.raises(ModelError, match="inference"):
        model.train()
    assert case.technique in repr(model)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_a_seed_gives_the_same_again(case: Case, workshop: Workshop, tmp_path: Path) -> None:
    model, given = workshop.model(case)
    again = _build(case, tmp_path)
    assert again.model is not None
    pairs = zip(tensors_of(given.example(model)), tensors_of(given.example(again.model)), strict=True)
    for right, found in pairs:
        torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_the_original_is_not_kept_alive(case: Case, workshop: Workshop) -> None:
    workshop.model(case)  # prepared already
    gc.freeze()  # the collector need not look through all that there was before
    given = case.workload()
    model = build(case.recipe, given, _context(workshop[case].folder, may_prepare=False))
    given.example(model)
    original = weakref.ref(given.model)
    del given
    gc.collect()
    assert original() is None


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_its_script_does_the_same(
    case: Case, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model, given = workshop.model(case)
    source = script_of(case.recipe)
    assert "tauto" not in "".join(line for line in source.splitlines() if "import" in line)
    names: dict[str, Any] = {"__name__": "optimize"}
    exec(compile(source, "optimize.py", "exec", dont_inherit=True), names)
    data = [(call.args, call.kwargs) for call in given.samples]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script may say what it likes
        copy = names["optimize"](given.model, given.example.args, given.example.kwargs, data)
        found = given.example(copy)
    _assert_agrees(given.example(model), found, 1e-3)


class SecondProcess:
    """Answers, one case at a time, for a process that may not prepare anything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        worker = Path(contract_workloads.__file__).with_name("contract_worker.py")
        around = {**os.environ, "PYTHONPATH": str(Path(tauto.__file__).parents[1])}
        with (folder / "errors.txt").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=around,
            )

    def load(self, case: Case, prepared: Path) -> Any:
        """Return the outputs of the model that was prepared in a folder, or how it could not be loaded, in words."""
        outputs = self._folder / "outputs.pt"
        asked = {"workload": case.kind, "hooked": case.hooked, "recipe": case.recipe.to_dict()}
        asked |= {"folder": str(prepared), "to": str(outputs)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", (self._folder / "errors.txt").read_text()[-2000:]
        return torch.load(outputs)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondProcess]:
    process = SecondProcess(tmp_path_factory.mktemp("second"))
    with process.process:
        yield process


@each_case
def test_a_second_process_loads_what_was_prepared(case: Case, workshop: Workshop, second: SecondProcess) -> None:
    model, given = workshop.model(case)
    answer = second.load(case, workshop[case].folder)
    assert not isinstance(answer, str), answer
    for right, found in zip(tensors_of(given.example(model)), answer, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-4)

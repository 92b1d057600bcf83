"""The scripts of the engines do what the techniques do, without TAuto."""

import pytest
import torch
from engine_models import Mlp, Nested, call_of, workload_of

from tauto.conversion import quiet
from tauto.hardware import Hardware
from tauto.techniques import technique
from tauto.workload.structure import tensors_of

pytest.importorskip("onnxruntime")
pytest.importorskip("openvino")


def run(script, workload):
    example = workload.example
    names = {"model": workload.copy_model(), "args": example.args, "kwargs": example.kwargs}
    names["data"] = [(call.args, call.kwargs) for call in workload.samples]
    text = "\n".join([*script.imports, *script.definitions, script.body])
    assert "tauto" not in text.lower()
    with quiet():
        exec(compile(text, "script.py", "exec"), names)
    return names["model"]


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("kind", [Mlp, Nested])
def test_every_script_runs_and_agrees(engine, kind):
    workload, known = workload_of(kind, batch=2, samples=32), technique(engine)
    for config in known.space(workload, Hardware.current()):
        model = run(known.script(config), workload)
        for batch in (1, 3):
            call = call_of(kind, batch)
            with torch.no_grad():
                got, expected = call(model), call(workload.model)
            assert type(got) is type(expected)
            tolerance = 1e-4 if config.precision == "float32" else 0.3
            for mine, theirs in zip(tensors_of(got), tensors_of(expected), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)

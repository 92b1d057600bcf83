"""What only AOTInductor's technique does; what holds for every technique is in the contract."""

import pickle

import pytest
import torch
from engine_models import Branching, Odd, call_of, workload_of

from tauto.errors import NotExportable
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.workload.structure import flatten

pytestmark = pytest.mark.skipif(Hardware.current().compiler is None, reason="needs a C++ compiler")


def applied(workload, folder):
    known = technique("aot_inductor")
    return known.apply(workload, known.config(), Context(folder, Hardware.current()))


def test_a_library_answers_as_the_model_does(tmp_path):
    workload = workload_of(Odd)
    module = applied(workload, tmp_path)
    loaded = pickle.loads(pickle.dumps(module))
    for batch in (1, 3, 8):
        call = call_of(Odd, batch)
        expected = call(workload.model)
        across = torch.randn(4, batch).T  # columns lie together
        for each in (module, loaded):
            with torch.no_grad():
                assert all(map(torch.allclose, flatten(call(each))[0], flatten(expected)[0]))
                if batch > 1:
                    keep = call.args[1] if len(call.args) > 1 else call.kwargs["keep"]
                    torch.testing.assert_close(each(across, keep)["y"], workload.model(across, keep)["y"])
        with torch.inference_mode():
            assert torch.allclose(call(module)["y"], expected["y"])
    assert {file.name for file in module.engine.folder.iterdir()} >= {"model.pt2"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("tmp")]


def test_what_cannot_be_exported_is_said(tmp_path):
    with pytest.raises(NotExportable, match="control flow depends on the values"):
        applied(workload_of(Branching), tmp_path)

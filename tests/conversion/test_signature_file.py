import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from tauto.conversion import Signature, load_signature, save_signature
from tauto.conversion.signature import by_name, parameters_of
from tauto.errors import CandidateFailed

NOTEBOOK = """
    import dataclasses, sys
    from pathlib import Path
    import torch
    from torch import nn
    from tauto.conversion import Signature, load_signature, save_signature

    @dataclasses.dataclass
    class Answer:
        y: int

    class Model(nn.Module):
        def forward(self, x):
            return Answer(x)

    path = Path(sys.argv[1])
    if sys.argv[2] == "save":
        save_signature(Signature((), ((), {}), (), (), Answer(3), (), False), path)
    else:
        assert type(load_signature(path, Model()).answer) is Answer
    """


def test_a_class_of_a_notebook_is_found_again_in_another_process(tmp_path):
    for step in ("save", "load"):
        command = [sys.executable, "-c", textwrap.dedent(NOTEBOOK), str(tmp_path / "signature"), step]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


def test_a_class_that_is_gone_is_named(tmp_path):
    class Gone:
        pass

    signature = Signature((), ((), {}), (), (torch.float32,), Gone(), (), False)
    save_signature(signature, tmp_path / "signature")
    with pytest.raises(CandidateFailed, match="Gone"):
        load_signature(tmp_path / "signature", nn.Linear(1, 1))


class Model(nn.Module):
    def forward(self, x, mask=None, scale=1.0, *, flag=True):
        return x


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2), {}), ((1,), {"mask": 2}), ((), {"mask": 2, "x": 1}), ((1, 2, 1.0), {}), ((1, 2), {"scale": 1.0})],
)
def test_calls_that_mean_the_same_are_the_same(args, kwargs):
    assert by_name(parameters_of(Model()), args, kwargs) == ((), {"x": 1, "mask": 2})


def test_a_forward_of_positions_only_keeps_them():
    class Many(nn.Module):
        def forward(self, *tensors):
            return tensors

    assert by_name(parameters_of(Many()), (1, 2), {}) == ((1, 2), {})

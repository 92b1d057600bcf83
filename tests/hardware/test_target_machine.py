"""Machines that a model is made for, from YAML."""

from __future__ import annotations

import pytest

from tauto.errors import InvalidArgument
from tauto.hardware import Hardware, target, targets

GOOD = """\
about: A board of ours.
device: cpu
cores: 4
memory_gb: 8
instruction_sets: [NEON]
gflops: {float32: 50, int8: 100}
"""


@pytest.mark.parametrize("name", targets())
def test_each_can_stand_for_a_machine(name):
    found = target(name).hardware(name)
    assert isinstance(found, Hardware)
    assert found.ceilings().gflops["float32"] > 0
    assert found.ceilings().measured_at == "estimated, not measured"
    assert targets()[name].endswith(".")


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "ours.yaml").write_text(GOOD)
    found = target(tmp_path / "ours.yaml")
    assert (found.cores, found.export) == (4, None)
    assert found.hardware("ours").has("NEON")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("cores: 4", "coers: 4", r"ours.yaml: line 3: there is no key 'coers'. Did you mean 'cores'"),
        ("device: cpu", "device: tpu", r"ours.yaml: line 2: device: Input should be 'cpu' or 'cuda'"),
        ("cores: 4", "cores: many", r"line 3: cores: Input should be a valid integer"),
        ("cores: 4", "cores: 0", r"line 3: cores: .* greater than or equal to 1"),
        ("about: A board of ours.\n", "", r"ours.yaml: about is missing: add `about: …`"),
        ("[NEON]", "[NEOM]", r"line 5: no instruction set is called 'NEOM'. Did you mean 'NEON'"),
        ("float32: 50, ", "", r"line 6: gflops has no float32"),
        ("float32: 50", "float23: 50", r"line 6: gflops.float23"),
        ("device: cpu", "device: [", r"ours.yaml is no YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, before, after, words):
    assert before in GOOD
    (tmp_path / "ours.yaml").write_text(GOOD.replace(before, after))
    with pytest.raises(InvalidArgument, match=words):
        target(str(tmp_path / "ours.yaml"))


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    file = tmp_path / "ours.yaml"
    file.write_text("device: tpu\ncoers: 4\ninstruction_sets: [NEOM, AVX3]\n")
    with pytest.raises(InvalidArgument) as told:
        target(file)
    words = str(told.value)
    assert "line 2: there is no key 'coers'. Did you mean 'cores'" in words
    assert "line 1: device: Input should be" in words
    assert "about, memory_gb and gflops are missing: add `about: …` `memory_gb: …` `gflops: …`" in words
    assert "'NEOM'" in words
    assert "'AVX3'" in words
    assert "cores is missing" not in words


def test_what_is_no_mapping_or_not_there(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InvalidArgument, match=r"must be a mapping of about, device"):
        target(tmp_path / "list.yaml")
    with pytest.raises(InvalidArgument, match=r"cannot be read"):
        target(tmp_path / "none.yaml")
    with pytest.raises(InvalidArgument, match=r"^target: there is no 'edge-cpus'. Did you mean 'edge-cpu'"):
        target("edge-cpus")

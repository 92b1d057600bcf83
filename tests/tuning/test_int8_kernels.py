"""What int8 has no fast kernel for, told from structure and hardware alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from tauto.hardware import Hardware
from tauto.tuning.int8_kernels import int8_notes

HERE = Hardware.current()


def machine(*sets, device="cpu", platform="linux"):
    return replace(HERE, instruction_sets=frozenset(sets), device=device, platform=platform)


VNNI = machine("AVX2", "AVX512", "VNNI")


def subjects(model, hardware=VNNI):
    return {note.subject.split(" (")[0]: note for note in int8_notes(model, hardware)}


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        (machine("AVX2"), "this CPU has no 8-bit dot product"),
        (machine("AVX2", platform="darwin"), "it is not known here whether"),
        (machine(device="mps"), "Apple's GPU"),
        (machine("SM70", device="cuda"), "older than 8-bit tensor cores"),
    ],
)
def test_a_machine_without_kernels_is_told(hardware, words):
    assert words in subjects(nn.Linear(64, 64), hardware)["machine"].reason


@pytest.mark.parametrize(
    "hardware", [VNNI, machine("AVX2", "AMX_INT8"), machine("NEON"), machine("SM90", device="cuda")]
)
def test_a_machine_with_kernels_is_not(hardware):
    assert "machine" not in subjects(nn.Linear(64, 64), hardware)


def test_a_model_that_int8_suits_has_no_notes():
    assert int8_notes(nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64)), VNNI) == ()


@pytest.mark.parametrize(
    ("model", "subject", "remedy"),
    [
        (nn.LSTM(32, 32), "recurrent layers", "ONNX Runtime"),
        (nn.RNN(32, 32), "plain recurrent layers and cells", ""),
        (nn.Conv2d(32, 32, 3), "convolutions", "static"),
        (nn.ConvTranspose2d(32, 32, 3), "transposed convolutions", "OpenVINO"),
        (nn.Conv2d(32, 32, 3, groups=32), "depthwise convolutions", "OpenVINO"),
        (nn.Embedding(1000, 32), "large embeddings", ""),
        (nn.Linear(64, 10), "narrow layers", ""),
        (nn.Linear(64, 17), "widths that 8-bit kernels fill up", "multiples of 16"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_layers_are_named_with_what_would_help(model, subject, remedy):
    note = subjects(nn.Sequential(model))[subject]
    assert note.layers == ("0",)
    assert remedy.lower() in note.remedy.lower()
    assert bool(note.remedy) == bool(remedy)


def test_a_width_that_is_little_filled_up_is_no_matter():
    assert subjects(nn.Linear(512, 1000)) == {}


@pytest.mark.parametrize(
    ("activations", "remedy"),
    [
        ({"static", "dynamic"}, "tried too"),
        ({"dynamic"}, "method='static'"),
        ({"static"}, None),
        ({"none"}, "engine='openvino'"),
    ],
)
def test_a_convolution_is_told_of_by_what_is_tried(activations, remedy):
    notes = int8_notes(nn.Conv2d(32, 32, 3), VNNI, activations)
    assert [remedy in note.remedy for note in notes] == ([True] if remedy else [])


def test_kernels_of_integers_are_no_matter_where_weights_alone_are_rounded():
    model = nn.Sequential(nn.Linear(64, 10), nn.ConvTranspose2d(32, 32, 3), nn.LSTM(32, 32))
    assert [note.subject for note in int8_notes(model, machine("AVX2"), {"none"})] == ["recurrent layers"]

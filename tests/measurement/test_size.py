import torch
from torch import nn

from tauto.measurement.size import parameter_count, size_bytes


def test_weights_and_buffers_count():
    model = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20))
    floats = 10 * 20 + 20 + 4 * 20
    assert size_bytes(model) == 4 * floats + 8  # num_batches_tracked is one int64
    assert parameter_count(model) == 10 * 20 + 20 + 2 * 20


def test_tied_weights_count_once():
    model = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 50, bias=False))
    model[1].weight = model[0].weight
    assert size_bytes(model) == 4 * 50 * 8
    assert parameter_count(model) == 50 * 8


def test_buffers_that_are_not_saved_do_not_count():
    model = nn.Linear(4, 4)
    model.register_buffer("cache", torch.zeros(1000), persistent=False)
    assert size_bytes(model) == 4 * 20


def test_half_precision_halves_the_size():
    assert size_bytes(nn.Linear(64, 64).bfloat16()) * 2 == size_bytes(nn.Linear(64, 64))


def test_a_part_of_a_larger_storage_counts_as_what_is_saved_of_it():
    model = nn.Linear(4, 4, bias=False)
    model.weight = nn.Parameter(torch.zeros(100, 4)[:4])
    assert size_bytes(model) == 4 * 16


def test_sparse_weights_count_values_and_indices():
    model = nn.Module()
    model.register_buffer("weight", torch.eye(1000).to_sparse())
    assert 1000 * (4 + 2 * 8) <= size_bytes(model) < 1000 * (4 + 2 * 8) + 10_000


def test_quantized_weights_count_what_they_hold():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchao warns on import
        from torchao.quantization import Int8WeightOnlyConfig, quantize_

        model = nn.Sequential(nn.Linear(256, 512, bias=False))
        quantize_(model, Int8WeightOnlyConfig())
    values = 256 * 512
    assert values + 512 * 1 <= size_bytes(model) <= values + 512 * 16
    assert parameter_count(model) == values


def test_an_artefact_says_its_own_size():
    class Engine(nn.Module):
        shipped_bytes = 12345

    assert size_bytes(Engine()) == 12345


def test_an_optimized_model_without_an_artefact_counts_its_weights():
    class Wrapper(nn.Module):
        shipped_bytes = None

        def __init__(self):
            super().__init__()
            self.module = nn.Linear(3, 3, bias=False)

    assert size_bytes(Wrapper()) == 36

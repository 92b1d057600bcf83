"""Layers computed as if they were integers: the numbers by hand, and nothing left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tauto.tuning.fake_quantization import FakeQuantization, Scheme, quantized_weight
from tauto.tuning.quantizable import quantizable_layers
from tauto.workload.call import Call


def fake(model, scheme=None, calls=()):
    layers, _ = quantizable_layers(model)
    made = FakeQuantization(model.eval(), layers, scheme or Scheme())
    with torch.no_grad():
        made.calibrate(calls)
    return made


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


class TestWeights:
    def test_each_channel_has_its_own_scale(self):
        weight = torch.tensor([[1.27, 0.004, -0.006], [127.0, 0.4, -0.6]])
        expected = torch.tensor([[1.27, 0.0, -0.01], [127.0, 0.0, -1.0]])
        assert torch.allclose(quantized_weight(weight, 0, Scheme()), expected, atol=1e-6)

    def test_the_channels_of_a_transposed_convolution_are_its_second_dimension(self):
        weight = torch.randn(4, 6, 3, 3)
        along = quantized_weight(weight, 1, Scheme())
        other = quantized_weight(weight.transpose(0, 1), 0, Scheme()).transpose(0, 1)
        assert torch.equal(along, other)

    def test_no_value_moves_by_more_than_half_a_step(self):
        weight = torch.randn(8, 40)
        step = weight.abs().amax(1, keepdim=True) / 127
        assert bool(((quantized_weight(weight, 0, Scheme()) - weight).abs() <= step / 2 * 1.001).all())

    def test_four_bits_share_a_scale_in_groups(self):
        weight = torch.randn(4, 64)
        weight[:, :32] *= 100
        coarse = quantized_weight(weight, 0, Scheme(4, "none"))
        assert len(coarse[0, 32:].unique()) > 5  # of their own group, not drowned by the large ones
        assert len(coarse[0, :32].unique()) <= 15

    def test_a_channel_of_zeros_stays_so(self):
        assert torch.equal(quantized_weight(torch.zeros(2, 3), 0, Scheme()), torch.zeros(2, 3))

    def test_the_type_is_kept(self):
        assert quantized_weight(torch.randn(2, 3).bfloat16(), 0, Scheme()).dtype == torch.bfloat16


class TestModel:
    def test_afterwards_all_is_as_before(self):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5))
        x = torch.randn(2, 3, 8, 8)
        made, before = fake(model, calls=[Call((x,))]), state(model)
        whole = model(x)
        with made.quantized(["0", "2"]):
            assert not torch.equal(model(x), whole)
        assert torch.equal(model(x), whole)
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
        assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())

    def test_it_is_as_before_after_an_error_too(self):
        model = nn.Sequential(nn.Linear(3, 4))
        made, before = fake(model, calls=[Call((torch.randn(2, 3),))]), state(model)
        with pytest.raises(RuntimeError), made.quantized(["0"]):
            model(torch.randn(2, 7))
        assert torch.equal(model[0].weight, before["0.weight"])
        assert not model[0]._forward_pre_hooks

    def test_a_tied_weight_is_quantized_in_one_place_alone(self):
        class Tied(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.head = nn.Embedding(11, 8), nn.Linear(8, 11, bias=False)
                self.head.weight = self.embed.weight

            def forward(self, x):
                return self.head(self.embed(x))

        model = Tied()
        made = fake(model, calls=[Call((torch.arange(5),))])
        assert made.layers["head"].also == ("embed",)
        with made.quantized(["head"]):
            assert model.head.weight is not model.embed.weight
        assert model.head.weight is model.embed.weight

    def test_one_range_for_the_input_is_that_of_the_calls_seen(self):
        model = nn.Sequential(nn.Linear(2, 2, bias=False))
        made = fake(model, calls=[Call((torch.tensor([[0.0, 2.55]]),))])
        rounded = made.rounded_input("0", torch.tensor([[0.014, 9.0, -1.0]]))
        assert torch.allclose(rounded, torch.tensor([[0.01, 2.55, 0.0]]), atol=1e-6)

    def test_as_they_come_each_row_has_its_own_range(self):
        model = nn.Sequential(nn.Linear(2, 2, bias=False))
        made = fake(model, Scheme(8, "dynamic"))
        rounded = made.rounded_input("0", torch.tensor([[1.27, 0.014], [127.0, 1.4]]))
        assert torch.allclose(rounded, torch.tensor([[1.27, 0.01], [127.0, 1.0]]), atol=1e-5)

    def test_attention_is_one_layer_with_all_its_projections(self):
        model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        layers, skipped = quantizable_layers(model)
        assert [layer.path for layer in layers] == ["self_attn", "linear1", "linear2"]
        assert [place.name for place in layers[0].weights] == ["in_proj_weight", "weight"]
        assert not skipped
        x = torch.randn(2, 5, 16)
        made = fake(model, calls=[Call((x,))])
        assert made.reached == {"self_attn", "linear1", "linear2"}
        whole = model(x)
        with made.quantized(["self_attn"]):
            assert 0 < float(((model(x) - whole).norm() / whole.norm()).detach()) < 0.05

    def test_parametrized_weights_are_made_plain_in_the_copy(self):
        layer = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))
        model = nn.Sequential(layer)
        x = torch.randn(3, 6)
        expected = model(x)
        made = fake(model, calls=[Call((x,))])
        assert torch.allclose(model(x), expected)
        with made.quantized(["0"]):
            assert not torch.equal(model(x), expected)

    @pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
    def test_weights_that_a_hook_computes_are_refused_by_name(self):
        layers, skipped = quantizable_layers(nn.Sequential(nn.utils.weight_norm(nn.Linear(6, 4)), nn.Linear(4, 2)))
        assert [layer.path for layer in layers] == ["1"]
        assert skipped[0].path == "0"
        assert "weight_norm" in skipped[0].reason

    def test_what_it_saves_is_by_shapes(self):
        layer = quantizable_layers(nn.Linear(64, 10))[0][0]
        assert Scheme().saved_bytes(layer) == 4 * 640 - (640 + 4 * 10)
        assert Scheme(4, "none").saved_bytes(layer) == 4 * 640 - (320 + 4 * 20)

    @pytest.mark.parametrize(
        ("module", "shape", "flops"),
        [
            (nn.Linear(8, 5), (3, 7, 8), 2 * 3 * 7 * 8 * 5),
            (nn.Conv2d(4, 6, 3, groups=2), (2, 4, 8, 8), 2 * 2 * 36 * 6 * 2 * 9),
            (nn.ConvTranspose2d(4, 6, 3), (2, 4, 8, 8), 2 * 2 * 64 * 4 * 6 * 9),
        ],
        ids=["linear", "conv", "transposed"],
    )
    def test_its_work_is_the_closed_form(self, module, shape, flops):
        taken = torch.randn(shape)
        assert quantizable_layers(module)[0][0].flops(taken, module(taken)) == flops

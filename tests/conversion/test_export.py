import pytest
import torch
from torch import nn

from tauto.conversion import export
from tauto.errors import CandidateFailed, NotExportable
from tauto.workload import Call, Workload


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x, mask=None):
        y = self.linear(x)
        return y if mask is None else y + mask


class CountsSamples(Linear):
    def forward(self, x):
        return {"y": self.linear(x), "samples": x.shape[0]}


class Cache:
    def __init__(self, keys):
        self.keys = keys


class KeepsCache(Linear):
    def forward(self, x):
        return self.linear(x), Cache(x)


class FixedBatch(Linear):
    def forward(self, x):
        return self.linear(x.reshape(1, 4))


class MixesSamples(Linear):
    def forward(self, x):
        return torch.stack([self.linear(row) for row in x - x.mean(0)])


class Silent(Linear):
    def forward(self, x):
        self.linear(x)


def exported(model, *calls):
    return export(Workload(model.eval(), calls[0], calls))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_batch_is_free_whatever_the_example(batch):
    signature = exported(Linear(), Call((torch.randn(batch, 4),))).signature
    assert signature.accepted == "float32[batch, 4]"
    assert signature.batching == "any batch size"


def test_an_input_shared_by_all_samples_is_known_by_the_other_samples():
    mask = torch.randn(1, 2)
    calls = Call((torch.randn(1, 4), mask)), Call((torch.randn(3, 4), mask))
    assert exported(Linear(), *calls).signature.accepted == "float32[batch, 4], float32[1, 2]"


def test_a_constant_that_counts_samples_is_refused():
    with pytest.raises(CandidateFailed, match="depends on the batch size"):
        exported(CountsSamples(), Call((torch.randn(2, 4),)))


def test_an_object_that_may_hold_results_is_refused():
    with pytest.raises(CandidateFailed, match="holds a Cache"):
        exported(KeepsCache(), Call((torch.randn(2, 4),)))


def test_an_answer_without_tensors_is_refused():
    with pytest.raises(CandidateFailed, match="no tensor"):
        exported(Silent(), Call((torch.randn(2, 4),)))


def test_a_model_of_one_batch_size_is_exported_for_it():
    signature = exported(FixedBatch(), Call((torch.randn(1, 4),))).signature
    assert signature.accepted == "float32[1, 4]"
    assert signature.batching == "batch 1; other sizes refused"


def test_samples_that_depend_on_each_other_are_never_answered_in_pieces():
    signature = exported(MixesSamples(), Call((torch.randn(3, 4),))).signature
    assert signature.batching == "batch 3; other sizes refused"


def test_the_model_is_left_alone():
    model = Linear().train()
    exported(model.eval(), Call((torch.randn(1, 4),)))
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not model._forward_hooks


def hear(module, args, output):
    return None


def test_a_hook_that_no_engine_would_call_is_refused_with_its_layer():
    model = Linear()
    handle = model.linear.register_forward_hook(hear)
    with pytest.raises(NotExportable, match=r"^its layer linear has a hook \(hear\), which an engine would not call"):
        exported(model, Call((torch.randn(2, 4),)))
    handle.remove()
    handle = model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    with pytest.raises(NotExportable, match=r"^the model has a hook \(.*lambda"):
        exported(model, Call((torch.randn(2, 4),)))
    handle.remove()
    model.linear = nn.utils.spectral_norm(model.linear)  # torch's own, which computes the weight
    assert exported(model, Call((torch.randn(2, 4),))).witnesses


def test_witnesses_are_of_two_batch_sizes_and_one_was_not_traced():
    sizes = [w.inputs[0].shape[0] for w in exported(Linear(), Call((torch.randn(1, 4),))).witnesses]
    assert sizes == [1, 3]


@pytest.mark.filterwarnings("default")
def test_a_hook_by_which_transformers_collects_hidden_states_is_no_obstacle():
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertModel(BertConfig(**sizes, vocab_size=50)).eval()
    words = torch.arange(6).reshape(1, 6)
    model(words, output_hidden_states=True)
    assert any(module._forward_hooks for module in model.modules())
    assert export(Workload.of(model, inputs=words)).signature.outputs

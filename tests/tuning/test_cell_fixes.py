"""What each fix changes in a running cell. Here it runs in this process; nothing is timed."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from tauto.errors import CandidateFailed, InvalidArgument
from tauto.profiling.fixes import ACTIONS
from tauto.tuning.cell_watch import watching
from tauto.tuning.fixes import FIXES, Targets, fix_of
from tauto.workload.state import thread_count

TRAINING = """
for x, y in loader:
    opt.zero_grad()
    seen.append(net(x))
    loss = nn.functional.cross_entropy(seen[-1].float(), y)
    loss.backward()
    opt.step()
"""


def names(net=None, **more):
    net = net or nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    data = TensorDataset(torch.randn(24, 6), torch.arange(24) % 3)
    opt = torch.optim.AdamW(net.parameters())
    space = {"nn": nn, "torch": torch, "net": net, "opt": opt, "loader": DataLoader(data, batch_size=8), "seen": []}
    return space | more


def run(action, target, space, source=TRAINING, unit="optimizer step", **options):
    """Run ``source`` with a fix and return it, the number of steps and the losses."""
    fix = fix_of(action, Targets(target, space), options)
    steps, losses = [], []
    with fix.around_run(), watching(unit, lambda: steps.append(1), fix, losses):
        exec(source, space)
    return fix, len(steps), losses


def test_every_action_but_a_recipe_has_a_fix():
    assert set(FIXES) == set(ACTIONS) - {"recipe"}
    with pytest.raises(InvalidArgument, match="no change to a running cell"):
        fix_of("recipe", Targets("", {}), {})


def test_steps_and_losses_are_seen_and_nothing_is_left():
    before = nn.Module.__call__, torch.Tensor.backward, DataLoader.__iter__
    space = names()
    steps, losses = [], []
    with watching("optimizer step", lambda: steps.append(1), None, losses):
        exec(TRAINING, space)
    assert len(steps) == 3
    assert losses[0].shape == ()
    calls = []
    with watching("model call", lambda: calls.append(1), None, losses):
        exec("for _ in range(4): net(torch.zeros(1, 6))", space)
    assert len(calls) == 4, "calls within the model are no steps"
    assert before == (nn.Module.__call__, torch.Tensor.backward, DataLoader.__iter__)


def test_loader_gives_the_same_batches_by_workers():
    space = names()
    expected = [x.clone() for x, _ in space["loader"]]
    source = "seen += [x for x, _ in loader]\nseen += [x for x, _ in loader]"
    fix, *_ = run("loader", "loader", space, source, "model call", num_workers=1, persistent_workers=True)
    assert fix.engaged == 1
    assert all(map(torch.equal, space["seen"], expected + expected))
    assert space["loader"].num_workers == 0, "the cell's own loader stays as it is"
    twin = fix.loader(space["loader"])
    assert twin.num_workers == 1
    assert twin._iterator is not None, "its workers persist from one epoch to the next"
    del twin._iterator


def test_loader_keeps_the_order_of_a_shuffling_loader():
    data = TensorDataset(torch.arange(40.0))
    shuffled = DataLoader(data, batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(3))
    space = names(loader=shuffled)
    run("loader", "loader", space, "seen += [x for x, in loader]", "model call", num_workers=1)
    shuffled.generator.manual_seed(3)
    assert torch.equal(torch.cat([x for (x,) in shuffled]), torch.cat(space["seen"]))


def test_loader_refuses_what_workers_would_double():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(3))

    space = names(loader=DataLoader(Stream()))
    with pytest.raises(CandidateFailed, match="IterableDataset"):
        run("loader", "loader", space, "list(loader)", num_workers=1)


def test_loader_leaves_others_alone():
    space = names()
    space["other"] = DataLoader(space["loader"].dataset)
    fix, *_ = run("loader", "other", space, num_workers=1)
    assert fix.engaged == 0
    assert "no DataLoader" in fix.nothing


def test_cache_dataset_makes_no_item_in_the_loop():
    made = []

    class Counted(torch.utils.data.Dataset):
        def __len__(self):
            return 12

        def __getitem__(self, index):
            made.append(index)
            return torch.full((2,), float(index))

    space = names(loader=DataLoader(Counted(), batch_size=4))
    fix, *_ = run("cache_dataset", "loader", space, "seen += [*loader, *loader]")
    assert sorted(made) == list(range(12))
    assert torch.equal(torch.cat(space["seen"])[:, 0], torch.arange(12.0).repeat(2))
    assert "12 items kept" in fix.notes[0]


def test_inference_records_no_gradients_and_evaluates():
    space = names(nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.5)))
    fix, steps, _ = run("inference", "net", space, "seen.append(net(torch.ones(1, 6)))", "model call")
    assert (fix.engaged, steps) == (1, 1)
    assert space["seen"][0].is_inference()
    assert not space["net"].training


def test_inference_leaves_the_mode_when_asked():
    space = names()
    run("inference", "", space, "net(torch.ones(1, 6))", eval_mode=False)
    assert space["net"].training


def test_inference_of_only_the_evaluating_calls_lets_the_others_train():
    source = TRAINING + "net.eval()\nlast = net(x)\nnet.train()"
    space = names()
    fix, steps, _ = run("inference", "net", space, source, only_eval_calls=True)
    assert (fix.engaged, steps) == (1, 3)
    assert space["last"].is_inference()
    assert not space["seen"][0].is_inference()


def test_threads_are_set():
    with thread_count(None):
        other = 1 if torch.get_num_threads() > 1 else 2
        fix, *_ = run("threads", "", names(), "count = torch.get_num_threads()", count=other)
        assert torch.get_num_threads() == other
        assert fix.engaged == 1


def test_autocast_computes_in_fewer_bits_and_trains():
    space = names()
    fix, steps, losses = run("autocast", "net", space)
    assert (fix.engaged, steps) == (3, 3)
    assert space["seen"][0].dtype == torch.bfloat16
    assert torch.isfinite(losses[0])


def test_memory_format_converts_model_and_inputs_and_keeps_the_parameters():
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    space = names(conv)
    before = [id(p) for p in conv.parameters()]
    source = "for _ in range(2): seen.append(net[0](x)); net(x)"
    fix, steps, _ = run("memory_format", "net", space | {"x": torch.randn(2, 3, 8, 8)}, source, "model call")
    assert (fix.engaged, steps) == (1, 4)
    assert conv[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert [id(p) for p in conv.parameters()] == before


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method")
def test_compile_goes_through_the_compiler():
    space = names()
    fix = fix_of("compile", Targets("net", space), {"dynamic": False})
    fix.change(space["net"])
    assert space["net"]._compiled_call_impl is not None


@pytest.mark.parametrize("form", ["fused", "foreach"])
def test_optimizer_switches_its_form_and_keeps_its_state(form):
    plain, fixed = names(), names()
    fixed["net"].load_state_dict(plain["net"].state_dict())
    fixed["loader"] = plain["loader"]
    scheduler = torch.optim.lr_scheduler.StepLR(fixed["opt"], 10)
    for space in (plain, fixed):
        exec(TRAINING, space)
    exec(TRAINING, plain)
    fix, steps, _ = run("optimizer", "opt", fixed, **{form: True})
    assert (fix.engaged, steps) == (1, 3)
    assert all(group[form] is True for group in fixed["opt"].param_groups)
    assert scheduler.optimizer.param_groups is fixed["opt"].param_groups
    for one, other in zip(plain["net"].parameters(), fixed["net"].parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_optimizer_without_that_form_is_refused():
    space = names()
    space["opt"] = torch.optim.LBFGS(space["net"].parameters())
    with pytest.raises(CandidateFailed, match="LBFGS has no fused form"):
        run("optimizer", "opt", space, "net(loader.dataset[0][0]).sum().backward()\nopt.step(lambda: 1.0)", fused=True)


def test_freeze_stops_gradients_that_no_optimizer_uses():
    space = names()
    space["opt"] = torch.optim.SGD(space["net"][2].parameters(), 0.1)
    fix, steps, _ = run("freeze", "net", space)
    assert (fix.engaged, steps) == (2, 3)
    assert [p.requires_grad for p in space["net"].parameters()] == [False, False, True, True]
    assert space["net"][0].weight.grad is None


def test_checkpoint_computes_again_and_the_gradients_are_the_same():
    plain, fixed = names(), names()
    fixed["net"].load_state_dict(plain["net"].state_dict())
    calls = []
    fixed["net"][0].register_forward_hook(lambda *_: calls.append(1))
    inner = []
    fixed["net"][2].forward = lambda x, forward=fixed["net"][2].forward: inner.append(1) or forward(x)
    source = "x = torch.ones(2, 6); net(x).sum().backward()"
    exec(source, plain)
    fix, steps, _ = run("checkpoint", "net", fixed, source, "model call", modules="2")
    assert (fix.engaged, steps) == (1, 1)
    assert len(inner) == 2, "once forward, once in the backward pass"
    for one, other in zip(plain["net"].parameters(), fixed["net"].parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_checkpoint_of_a_module_that_is_not_there_is_refused():
    with pytest.raises(CandidateFailed, match="no module 'nowhere'"):
        run("checkpoint", "net", names(), modules="nowhere")


def test_a_target_may_be_an_attribute_and_may_come_later():
    space = names(box=None)
    targets = Targets("box.net", space)
    assert space["net"] not in targets
    space["box"] = type("Box", (), {"net": space["net"]})()
    assert space["net"] in targets

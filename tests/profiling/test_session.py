from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tauto.errors import InvalidArgument
from tauto.profiling import ProfileSession, profile_model
from tauto.reports import ProfileReport
from tauto.workload import seen


def make_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


X = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(1))
Y = torch.arange(8)


def train(net: nn.Module, steps: int) -> None:
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), Y).backward()
        optimizer.step()


def rules(report: ProfileReport) -> list[str]:
    return [finding.rule for finding in report.findings]


pytestmark = pytest.mark.usefixtures("untouched")


def test_training_loop():
    net = make_net()
    with ProfileSession({"net": net}) as session:
        train(net, 20)
    report = session.report
    assert report.root_calls == 20
    assert report.sampled_calls == 5
    [root] = report.roots
    assert (root.name, root.kind, root.calls, root.training) == ("net", "Sequential", 20, True)
    assert root.shapes == ("float32[8, 1, 8, 8]",)
    assert root.parameters == sum(p.numel() for p in net.parameters())
    assert root.remembered_samples == 8, "the same batch again is not kept"
    assert 0 < root.total_ms < report.wall_ms
    assert 0 <= report.outside_ms < report.wall_ms - root.total_ms
    assert report.allocated_bytes > 0
    assert report.peak_bytes > 2**20
    assert "eval_missing" not in rules(report)
    assert "inference_mode_missing" not in rules(report)
    assert rules(report)[-1] == "can_be_tried"
    assert ProfileReport.from_dict(report.to_dict()) == report


def test_module_tree():
    net = make_net()
    with torch.inference_mode():
        report = profile_model(net, (X,)).report
    top, *rows = report.modules
    assert (top.path, top.depth, top.calls, top.kind) == ("", 0, 5, "Sequential")
    assert [row.path for row in rows] == ["0", "1", "2", "3", "4"]
    assert all(row.depth == 1 and row.calls == 5 for row in rows)
    assert top.flops == sum(row.flops for row in rows) == 5 * report.flops
    assert top.bytes_moved == sum(row.bytes_moved for row in rows)
    assert top.total_ms == pytest.approx(top.self_ms + sum(row.total_ms for row in rows))
    assert top.parameters == sum(row.parameters for row in rows)
    convolution = next(row for row in rows if row.path == "0")
    assert convolution.flops == 5 * 2 * 8 * 4 * 36 * 9
    assert convolution.bytes_moved == 5 * 4 * (8 * 64 + 4 * 9 + 4 + 8 * 4 * 36)
    assert all(row.share_of_ceiling is None or 0 <= row.share_of_ceiling <= 1 for row in report.modules)


def test_outputs_and_state_stay_bit_equal():
    plain, profiled = make_net(), make_net()
    train(plain, 12)
    with ProfileSession():
        train(profiled, 12)
    for one, two in zip(plain.state_dict().values(), profiled.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    assert torch.equal(plain(X), profiled(X))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in profiled.modules())


def test_random_numbers_are_not_consumed():
    net = nn.Sequential(nn.Dropout(0.5))
    torch.manual_seed(3)
    expected = [net(X) for _ in range(10)]
    torch.manual_seed(3)
    with ProfileSession():
        found = [net(X) for _ in range(10)]
    assert all(torch.equal(one, two) for one, two in zip(expected, found, strict=True))


def test_keyword_arguments_are_remembered():
    class Keywords(nn.Module):
        def forward(self, *, ids, scale=1.0):
            return ids * scale

    net = Keywords()
    with ProfileSession() as session:
        net(ids=X, scale=2.0)
    [call] = seen.calls_of(net)
    assert torch.equal(call.kwargs["ids"], X)
    assert call.kwargs["scale"] == 2.0
    assert session.report.roots[0].remembered_samples == 8


def test_refused_inputs_are_not_remembered():
    net = nn.Linear(3, 3)
    with ProfileSession() as session:
        with pytest.raises(RuntimeError):
            net(X)
        net(torch.zeros(2, 3))
    assert [call.batch for call in seen.calls_of(net)] == [2]
    assert session.report.root_calls == 2


def test_cell_that_raises_keeps_the_partial_report():
    net = make_net()
    session = ProfileSession()

    def cell():
        with session:
            net(X)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cell()
    assert session.report.root_calls == 1
    assert session.report.sampled_calls == 1


def test_error_inside_forward_rises_unchanged():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            self.inner(x)
            raise KeyError("mine")

    net, good = Fails(), nn.Linear(2, 2)
    with ProfileSession() as session:
        for _ in range(8):
            with pytest.raises(KeyError, match="mine"):
                net(torch.zeros(1, 2))
            good(torch.zeros(1, 2))
    assert [root.calls for root in session.report.roots] == [8, 8]


def test_cell_without_torch():
    with ProfileSession() as session:
        sum(range(1000))
    report = session.report
    assert (report.root_calls, report.sampled_calls, report.flops) == (0, 0, 0)
    assert report.roots == report.modules == report.operators == report.findings == ()
    assert report.outside_ms == report.wall_ms


def test_recursion_counts_time_once():
    class Recursive(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x, depth=3):
            return self.linear(x if depth == 0 else self(x, depth - 1))

    report = profile_model(Recursive(), (torch.zeros(2, 4),), calls=3).report
    assert (report.root_calls, report.sampled_calls) == (3, 2)
    top, linear = report.modules
    assert (top.path, top.calls, linear.path, linear.calls) == ("", 8, "linear", 8)
    assert report.flops == 4 * 2 * 2 * 4 * 4
    assert top.total_ms <= report.roots[0].total_ms


def test_shared_module_is_one_row():
    shared = nn.Linear(4, 4)
    report = profile_model(nn.Sequential(shared, nn.ReLU(), shared), (torch.zeros(1, 4),), calls=2).report
    assert [(row.path, row.calls) for row in report.modules] == [("", 1), ("0", 2), ("1", 1)]


def test_modules_made_in_forward():
    class Maker(nn.Module):
        def forward(self, x):
            return nn.ReLU()(nn.Softmax(-1)(x))

    report = profile_model(Maker(), (X,), calls=4).report
    assert [(row.path, row.kind, row.calls) for row in report.modules[1:]] == [
        ("(Softmax)", "Softmax", 3),
        ("(ReLU)", "ReLU", 3),
    ]


def test_hooks_of_the_user_run_in_their_order():
    net, order = make_net(), []
    net.register_forward_pre_hook(lambda *_: order.append("pre"))
    net[0].register_forward_hook(lambda *_: order.append("inner"))
    net.register_forward_hook(lambda *_: order.append("post"))
    with ProfileSession():
        net(X)
        net(X)
    assert order == ["pre", "inner", "post"] * 2
    assert len(net._forward_hooks) == len(net._forward_pre_hooks) == len(net[0]._forward_hooks) == 1


@pytest.mark.parametrize("when", ["before", "inside"])
def test_compiled_model_is_seen_as_one_and_not_recompiled(when):
    torch._dynamo.reset()
    compilations = []

    def backend(graph, inputs):
        compilations.append(1)
        return graph.forward

    net = make_net().eval()
    compiled = torch.compile(net, backend=backend)
    with torch.inference_mode():
        expected = net(X)
        if when == "before":
            compiled(X)
        with ProfileSession({"compiled": compiled}) as session:
            found = [compiled(X) for _ in range(3)]
        compiled(X)
    assert len(compilations) == 1
    assert all(torch.equal(expected, one) for one in found)
    assert session.report.roots[0].name == "compiled"
    assert "opaque_model" in rules(session.report)
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_model():
    scripted = torch.jit.script(make_net().eval())
    with ProfileSession() as session:
        scripted(X)
        scripted(X)
    assert session.report.root_calls == 2
    assert "opaque_model" in rules(session.report)
    assert session.report.flops > 0


def test_data_parallel_on_the_cpu():
    report = profile_model(nn.DataParallel(make_net()), (X,), calls=3).report
    assert [row.path for row in report.modules][:3] == ["", "module", "module.0"]


def test_lazy_module():
    net = nn.LazyLinear(3)
    with ProfileSession() as session:
        net(X)
    assert session.report.roots[0].parameters == 8 * 3 + 3


def test_generator_forward():
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            for _ in range(3):
                yield self.linear(x)

    net = Stream()
    with ProfileSession() as session:
        assert len(list(net(torch.zeros(1, 2)))) == 3
    assert [(root.kind, root.calls) for root in session.report.roots] == [("Stream", 1), ("Linear", 3)]


def test_threads_keep_their_own_stacks():
    net, other = make_net(), make_net()

    def work():
        for _ in range(30):
            other(X)

    with ProfileSession({"net": net, "other": other}) as session:
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for _ in range(30):
            net(X)
        for worker in workers:
            worker.join()
    report = session.report
    calls = {root.name: root.calls for root in report.roots}
    assert calls == {"net": 30, "other": 90}
    assert {row.root for row in report.modules} == {next(i for i, r in enumerate(report.roots) if r.name == "net")}
    assert report.outside_ms <= report.wall_ms
    assert "untraced_model" in rules(report)


class Squares(Dataset):
    def __init__(self):
        self.net = nn.Linear(2, 2)

    def __len__(self):
        return 16

    def __getitem__(self, index):
        return self.net(torch.full((2,), float(index))).detach()


def test_data_loader_workers():
    net = nn.Linear(2, 2)
    with ProfileSession({"net": net}) as session:
        for batch in DataLoader(Squares(), batch_size=4, num_workers=2):
            net(batch)
    assert [(root.name, root.calls) for root in session.report.roots] == [("net", 4)]


def test_profile_inside_a_profile():
    with ProfileSession() as outer:
        with pytest.raises(InvalidArgument, match="already"), ProfileSession():
            pass
        nn.Linear(2, 2)(torch.zeros(1, 2))
    assert outer.report.root_calls == 1


def test_report_before_the_end():
    with ProfileSession() as session, pytest.raises(InvalidArgument, match="ended"):
        _ = session.report


def test_torch_profiler_of_the_user_around_it():
    net = make_net()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as mine, ProfileSession() as session:
        net(X)
    assert any(event.name == "aten::conv2d" for event in mine.events())
    assert session.report.root_calls == 1
    assert session.report.operators == ()
    assert "not_traced" in rules(session.report)


def test_torch_profiler_of_the_user_inside_it():
    net = make_net()
    with ProfileSession() as session:
        for _ in range(2):
            net(X)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as mine:
            net(X)
        net(X)
    assert sum(event.name == "aten::conv2d" for event in mine.events()) == 1
    assert (session.report.root_calls, session.report.sampled_calls) == (4, 1)
    assert "not_traced" in rules(session.report)


def test_checkpointing_recomputes_no_roots():
    from torch.utils.checkpoint import checkpoint

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return checkpoint(self.linear, x, use_reentrant=False)

    net = Net()
    with ProfileSession() as session:
        for _ in range(8):
            net(torch.zeros(2, 4)).sum().backward()
    assert [(root.kind, root.calls) for root in session.report.roots] == [("Net", 8)]


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_interrupt_at_any_moment(delay):
    net = make_net()
    main = threading.main_thread().ident

    def interrupt():
        time.sleep(delay)
        import _thread

        assert main is not None
        _thread.interrupt_main()

    session = ProfileSession()
    killer = threading.Thread(target=interrupt)

    def cell():
        with session:
            killer.start()
            while True:
                net(X).sum().backward()

    with pytest.raises(KeyboardInterrupt):
        cell()
    killer.join()
    assert session.report.root_calls >= 0
    before = net.eval()(X)
    assert torch.equal(before, net(X))


def test_models_that_come_and_go_are_not_kept():
    import gc
    import weakref

    alive = []
    with ProfileSession() as session:
        for _ in range(40):
            net = nn.Linear(3, 3)
            alive.append(weakref.ref(net))
            net(torch.zeros(1, 3))
            del net
        gc.collect()
        assert sum(ref() is not None for ref in alive) == 0
    assert session.report.root_calls == 40


def test_long_loop_keeps_little():
    net = nn.Linear(2, 2)
    x = torch.zeros(1, 2)
    with torch.inference_mode(), ProfileSession() as session:
        for _ in range(20_000):
            net(x)
    recorder = session._recorder
    report = session.report
    assert report.root_calls == report.steps.count == 20_000
    assert report.steps.sampled[:5] == (2, 3, 4, 5, 6)
    assert report.sampled_calls == len(report.steps.sampled) < 40
    assert len(recorder.marks) < 40


SCREEN = """
import torch
from torch import nn
from tauto.profiling import ProfileSession
net = nn.Linear(4, 4)
old = [torch.empty(2) for _ in range(990)]
with ProfileSession() as session:
    for _ in range(10):
        net(torch.zeros(1, 4)).sum().backward()
        net.zero_grad()
        del old[:99]
        import sys
        print("mine", file=sys.stderr)
session.report
"""


def test_profiler_lines_stay_off_the_screen():
    done = subprocess.run([sys.executable, "-c", SCREEN], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stderr.split() == ["mine"] * 10
    assert done.stdout == ""


def test_profile_model_keeps_mode_and_needs_a_call():
    net = make_net().train()
    with pytest.raises(InvalidArgument, match="calls"):
        profile_model(net, (X,), calls=0)
    report = profile_model(net, (X,), calls=1, names={"net": net}).report
    assert net.training
    assert (report.subject, report.root_calls, report.sampled_calls) == ("net", 1, 1)
    assert {"eval_missing", "inference_mode_missing"} <= set(rules(report))

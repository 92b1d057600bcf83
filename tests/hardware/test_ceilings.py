"""Ceilings: measured, remembered, checked."""

import dataclasses
import itertools
import json
import math

import pytest
import torch

from tauto.errors import InvalidArgument, StoreWarning
from tauto.events import listening
from tauto.hardware import PRECISIONS, Ceilings, Hardware, checked_share
from tauto.hardware.ceilings import load_ceilings, save_ceilings
from tauto.hardware.kernels import fastest_product_gflops, measure_ceilings


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hardware():
    return Hardware.current()


def made(hardware: Hardware, factor: float = 1.0, time: str = "2026-01-01T00:00:00+00:00") -> Ceilings:
    rates = {"float32": 100.0 * factor, "int8": 400.0 * factor}
    return Ceilings(rates, 50.0 * factor, 10.0 * factor, time, hardware.fingerprint)


@pytest.fixture
def measured(monkeypatch, hardware):
    """Stands in for the measuring; holds what it will answer, and the arguments of each call."""

    class Measured:
        def __init__(self):
            self.answer = made(hardware)
            self.calls: list[tuple] = []

        def __call__(self, *arguments):
            self.calls.append(arguments)
            return self.answer

    fake = Measured()
    monkeypatch.setattr("tauto.hardware.hardware.measure_ceilings", fake)
    return fake


def test_measured_once_then_remembered(hardware, measured, cache):
    first = hardware.ceilings()
    assert first == measured.answer
    assert hardware.ceilings() == first
    assert len(measured.calls) == 1
    assert [path.name for path in (cache / "ceilings").iterdir()] == [f"{hardware.fingerprint}.json"]


def test_another_machine_is_measured_for_itself(hardware, measured):
    hardware.ceilings()
    other = dataclasses.replace(hardware, fingerprint="other", cores=hardware.cores + 1)
    measured.answer = made(other, 2)
    assert other.ceilings().gflops["float32"] == 200
    assert hardware.ceilings().gflops["float32"] == 100


def test_measuring_uses_no_more_threads_than_usable_cores(hardware, measured):
    dataclasses.replace(hardware, cores=1).ceilings()
    device, threads, memory_bytes, fingerprint = measured.calls[0]
    assert (device, threads) == ("cpu", 1)
    assert (memory_bytes, fingerprint) == (hardware.memory_bytes, hardware.fingerprint)


def test_measuring_again_replaces(hardware, measured):
    hardware.ceilings()
    measured.answer = made(hardware, 0.5)
    assert hardware.remeasure_ceilings() == measured.answer
    assert hardware.ceilings() == measured.answer


@pytest.mark.parametrize(
    "change",
    [
        {"gflops": {"float32": -1.0}},
        {"gflops": {"float31": 1.0}},
        {"copy_memory_gbps": "fast"},
        {"copy_cache_gbps": None},
        {"fingerprint": "another"},
    ],
)
def test_a_cache_that_does_not_fit_is_measured_again(hardware, measured, cache, change):
    hardware.ceilings()
    path = cache / "ceilings" / f"{hardware.fingerprint}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.warns(StoreWarning, match=r"cannot be used .*; measuring again"):
        assert hardware.ceilings() == measured.answer
    assert hardware.ceilings() == measured.answer
    assert len(measured.calls) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"gflops": {"float32": NaN}}'])
def test_a_corrupt_cache_is_measured_again(hardware, measured, cache, content):
    path = cache / "ceilings" / f"{hardware.fingerprint}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.warns(StoreWarning, match="does not hold ceilings"):
        assert hardware.ceilings() == measured.answer


def test_a_cache_folder_that_cannot_be_written_is_a_warning(hardware, measured, cache):
    cache.write_text("a file where the folder should be")
    with pytest.warns(StoreWarning, match="Set TAUTO_CACHE"):
        assert hardware.ceilings() == measured.answer


def test_a_failed_write_leaves_the_old_file_and_no_other(hardware, cache, monkeypatch):
    save_ceilings(cache, made(hardware))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.warns(StoreWarning, match="No space left on device"):
        save_ceilings(cache, made(hardware, 2))
    assert load_ceilings(cache, hardware.fingerprint) == made(hardware)
    assert len(list((cache / "ceilings").iterdir())) == 1


def test_share_of_each_resource(hardware):
    ceilings = made(hardware)
    assert ceilings.share(25.0, "float32") == 0.25
    assert ceilings.share(25.0, "copy_cache") == 0.5
    assert ceilings.share(25.0, "copy_memory") == 2.5
    assert ceilings.share(25.0, "bfloat16") is None
    with pytest.raises(InvalidArgument, match=r"'float23' has no ceiling. Did you mean 'float32'"):
        ceilings.share(1.0, "float23")


def test_a_share_below_one_measures_nothing(hardware, measured):
    share = checked_share(hardware, made(hardware), 60.0, "float32")
    assert (share.value, share.unclipped, share.exceeded) == (0.6, 0.6, False)
    assert measured.calls == []


def test_a_share_above_one_measures_again_and_keeps_the_larger(hardware, measured):
    measured.answer = dataclasses.replace(made(hardware, 1.6, "2026-02-02T00:00:00+00:00"), copy_memory_gbps=5.0)
    share = checked_share(hardware, made(hardware), 120.0, "float32")
    assert share.value == pytest.approx(0.75)
    assert not share.exceeded
    assert share.ceilings.gflops == {"float32": 160.0, "int8": 640.0}
    assert share.ceilings.copy_memory_gbps == 10.0
    assert share.ceilings.measured_at == "2026-02-02T00:00:00+00:00"
    remembered = hardware.ceilings()
    assert remembered == dataclasses.replace(share.ceilings, confirmed=False)
    assert len(measured.calls) == 1


def test_a_ceiling_passed_twice_is_said_and_not_measured_a_third_time(hardware, measured):
    first = checked_share(hardware, made(hardware), 150.0, "float32")
    assert (first.value, first.unclipped, first.exceeded) == (1.0, 1.5, True)
    second = checked_share(hardware, first.ceilings, 300.0, "float32")
    assert (second.value, second.unclipped, second.exceeded) == (1.0, 3.0, True)
    assert len(measured.calls) == 1


def test_a_precision_without_a_ceiling_has_no_share(hardware, measured):
    share = checked_share(hardware, made(hardware), 150.0, "bfloat16")
    assert (share.value, share.unclipped, share.exceeded) == (None, None, False)
    assert measured.calls == []


def clock(run) -> float:
    """Run a pretended product, which returns its own seconds."""
    return run()


def pretended(sizes: list[int], seconds):
    """Return a maker of products that take ``seconds(n, call)``, and note the sizes asked for."""

    def make(n, _device):
        sizes.append(n)
        calls = itertools.count()
        return lambda: seconds(n, next(calls))

    return make


def steady(gflops: float):
    return lambda n, _call: 2e-9 * n**3 / gflops


def missing(_n, _device):
    raise NotImplementedError("no such kernel")


def test_the_fastest_kernel_counts_and_one_that_does_not_run_is_left_out():
    makers = (missing, pretended([], steady(100.0)), pretended([], steady(300.0)), pretended([], steady(200.0)))
    assert fastest_product_gflops(makers, "cpu", clock, 2**30) == pytest.approx(300.0)
    assert fastest_product_gflops((missing,), "cpu", clock, 2**30) is None


def test_an_emulated_kernel_is_not_waited_for():
    sizes: list[int] = []
    assert fastest_product_gflops((pretended(sizes, steady(1.0)),), "cpu", clock, 2**30) == pytest.approx(1.0)
    assert sizes == [256, 512]


def test_waiting_for_a_busy_core_neither_stops_the_growth_nor_decides_between_kernels():
    def waiting(n, _call):
        return 0.012 + 2e-9 * n**3 / 200.0

    def disturbed(n, call):
        return (9.0 if call < 2 else 1.0) * 2e-9 * n**3 / 150.0

    sizes: list[int] = []
    makers = (pretended([], steady(1.0)), pretended(sizes, waiting))
    assert fastest_product_gflops(makers, "cpu", clock, 2**30) > 100
    assert max(sizes) >= 2048
    assert fastest_product_gflops((pretended([], disturbed),), "cpu", clock, 2**30) == pytest.approx(150.0)


def test_matrices_stay_within_the_memory_given():
    sizes: list[int] = []
    fastest_product_gflops((pretended(sizes, steady(1e9)),), "cpu", clock, memory_bytes=16 * 1024**2)
    assert sizes == [256, 512, 1024]


@pytest.fixture(scope="module")
def real():
    """One real measurement, under a user's own odd settings, and what was told meanwhile."""
    hardware, told = Hardware.current(), []
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(threads + 1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    try:
        with listening(told.append), torch.autocast("cpu", dtype=torch.bfloat16):
            ceilings = measure_ceilings("cpu", threads, 2**30, hardware.fingerprint)
            autocast = torch.is_autocast_enabled("cpu")
        kept = {
            "threads": torch.get_num_threads() == threads + 1,
            "random state": torch.equal(torch.get_rng_state(), before),
            "gradients": torch.is_grad_enabled() and not torch.is_inference_mode_enabled(),
            "autocast": autocast,
        }
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
    return ceilings, told, kept


@pytest.mark.alone
def test_a_real_measurement_is_sane(real):
    ceilings, _, _ = real
    assert set(ceilings.gflops) <= set(PRECISIONS) - {"float16"}
    assert "float32" in ceilings.gflops
    rates = [*ceilings.gflops.values(), ceilings.copy_cache_gbps, ceilings.copy_memory_gbps]
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)


@pytest.mark.alone
def test_a_real_measurement_leaves_torch_as_it_was(real):
    _, _, kept = real
    assert kept == dict.fromkeys(kept, True)


@pytest.mark.alone
def test_a_real_measurement_tells_its_progress(real):
    _, told, _ = real
    assert {progress.task for progress in told} == {"hardware"}
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert len(set(done)) == len(done) >= 4


@pytest.fixture
def reduced_float32():
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    yield matmul
    matmul.fp32_precision = before


def test_reduced_float32_is_not_measured_and_is_put_back(monkeypatch, reduced_float32):
    seen = []

    def product(_n, _device):
        return lambda: seen.append(reduced_float32.fp32_precision)

    monkeypatch.setattr("tauto.hardware.kernels._CPU_PRODUCTS", {"float32": (product,)})
    measure_ceilings("cpu", torch.get_num_threads(), 2**28, "x")
    assert set(seen) == {"ieee"}
    assert reduced_float32.fp32_precision == "bf16"

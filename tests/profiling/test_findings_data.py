"""The input pipeline, and lines beside the model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_by_hand import FACTS, LOADER, REPORT, found, quiet, with_line, with_phases

from tauto.reports.profile import LineRow

WAITING = replace(FACTS, loaders=(LOADER,))


def test_data_loading_counts_the_cores():
    finding = found(facts=WAITING)["data_loading"]
    assert "60%" in finding.evidence
    assert finding.fix.options == {"num_workers": 1, "persistent_workers": True}
    assert finding.fix.target == "loader"
    # 400 ms of the rest on both cores and 600 ms of loading on one are 700 ms of two cores
    assert finding.expected.speedup == pytest.approx(1000 / 700)


def test_data_that_waits_for_a_disk_takes_no_core():
    facts = replace(WAITING, loaders=(replace(LOADER, cpu_ms=0.0),))
    finding = found(facts=facts)["data_loading"]
    assert finding.fix.options["num_workers"] == 2
    assert finding.expected.speedup == pytest.approx(1000 / 400)


def test_data_names_the_slow_line():
    row = LineRow("data.py", 7, "    time.sleep(0.01)", 0.4, "data")
    finding = found(replace(REPORT, lines=(row,)), WAITING)["data_loading"]
    assert "data.py:7 `time.sleep(0.01)`" in finding.evidence


def test_a_loader_that_is_not_waited_for_is_no_finding():
    assert quiet(facts=replace(FACTS, loaders=(replace(LOADER, waited_ms=149.0),)))


def test_no_core_is_left_for_workers():
    facts = replace(FACTS, cores=1, threads=1, loaders=(LOADER,))
    every = found(facts=facts)
    assert "data_loading" not in every
    assert every["data_slow"].fix is None


def test_light_items_want_batches_not_workers():
    facts = replace(FACTS, loaders=(replace(LOADER, batch_size=256, batch_bytes=100_000),))
    every = found(facts=facts)
    assert "data_loading" not in every
    assert "23 µs a sample" in every["data_by_item"].evidence
    assert every["data_by_item"].expected.speedup == pytest.approx(1000 / 402)
    assert quiet(facts=replace(facts, loaders=(replace(facts.loaders[0], batched=True),)))


def test_a_stall_of_the_machine_does_not_make_the_items_dear():
    stalled = replace(LOADER, batch_size=256, waited_ms=900.0, batch_ms=6.0)
    every = found(facts=replace(FACTS, loaders=(stalled,)))
    assert "23 µs a sample" in every["data_by_item"].evidence
    assert not {"data_loading", "data_slow"} & set(every)


def test_data_cached_needs_a_second_epoch_and_room():
    twice = replace(LOADER, epochs=2, batch_bytes=1_000_000)
    finding = found(facts=replace(FACTS, loaders=(twice,)))["data_cached"]
    assert finding.expected.speedup == pytest.approx(1 / 0.7)
    assert "50 MB" in finding.evidence
    assert "data_cached" not in found(facts=WAITING)
    assert "data_cached" not in found(facts=replace(FACTS, loaders=(twice,), memory_bytes=10**8))
    assert "data_cached" not in found(facts=replace(FACTS, loaders=(replace(twice, iterable=True),)))


def test_in_a_training_of_one_epoch_the_epochs_to_come_are_spoken_of():
    training = replace(WAITING, backward_calls=100, backward_ms=1.0, memory_bytes=10**9)

    def said(**changes):
        every = found(facts=replace(training, loaders=(replace(LOADER, **changes),)))
        assert "data_cached" not in every, "one fault, one finding; and one epoch has nothing to measure"
        return every["data_slow" if changes.get("workers") else "data_loading"].evidence

    assert "kept in memory they are 100 MB as batches" in said(batch_bytes=1_000_000)
    assert "in memory" not in said(batch_bytes=10_000_000)
    assert "in memory" not in said(workers=1)
    assert "in memory" not in found(facts=WAITING)["data_loading"].evidence


def test_what_the_loading_is_made_of_is_said():
    def said(**changes):
        return found(facts=replace(FACTS, loaders=(replace(LOADER, **changes),)))["data_loading"].evidence

    assert "Only 10% of that was work on a core" in said(cpu_ms=60.0)
    assert "A sample takes 188 µs" in said()
    assert "__getitems__(self, indices)" in said()
    assert "__getitems__" not in said(batched=True)
    assert "A sample takes 6.0 ms of work on a core" in said(batch_size=1)


def test_of_a_loader_without_a_name_the_advice_says_dataset():
    finding = found(facts=replace(FACTS, loaders=(replace(LOADER, name=""),)))["data_loading"]
    assert finding.title.endswith("its DataLoader has no worker process")
    assert finding.python.startswith("DataLoader(dataset, num_workers=")
    assert finding.fix.target == "", "the fix is for every loader of the cell"


def test_the_advice_names_what_there_is_and_the_figures_agree():
    phased = with_phases(data=700.0, forward=300.0)
    finding = found(phased, replace(WAITING, loaders=(replace(LOADER, cpu_ms=0.0),)))["data_loading"]
    assert finding.python.startswith("DataLoader(loader.dataset, num_workers=2")
    assert "70% of the cell (700 of 1,000 ms) was spent waiting for 100 batches, 7.0 ms each" in finding.evidence
    assert "2 worker processes on 2 cores" in finding.expected.basis


def test_what_does_not_fit_into_memory_goes_to_a_file():
    crowded = replace(FACTS, cores=1, threads=1, memory_bytes=10**9)

    def way(size):
        return found(facts=replace(crowded, loaders=(replace(LOADER, batch_bytes=size),)))["data_slow"].python

    assert "items = [loader.dataset[i]" in way(1_000_000)
    assert "open_memmap" in way(10_000_000)
    compile(way(10_000_000), "advice", "exec")


def test_workers_that_start_in_each_epoch():
    loader = replace(LOADER, workers=1, epochs=5, waited_ms=100.0, first_ms=100.0)
    finding = found(facts=replace(FACTS, loaders=(loader,)))["data_restart"]
    assert finding.expected.speedup == pytest.approx(1 / 0.6)
    assert quiet(facts=replace(FACTS, loaders=(replace(loader, persistent=True),)))
    assert quiet(facts=replace(FACTS, loaders=(replace(loader, epochs=1),)))


def test_a_generator_of_ones_own():
    report = with_line("for batch in batches():", 0.5, waits=True)
    assert found(report)["data_generator"].expected.speedup == pytest.approx(2.0)
    assert quiet(with_line("for batch in batches():", 0.14, waits=True))
    assert "data_generator" not in found(report, WAITING), "the loader is spoken of"


def test_pinning_is_for_a_gpu():
    facts = replace(FACTS, loaders=(replace(LOADER, waited_ms=1.0),))
    assert quiet(facts=facts)
    gpu = replace(REPORT, device="cuda:0")
    assert found(gpu, facts)["pinning"].fix.options == {"pin_memory": True}
    assert quiet(gpu, replace(facts, loaders=(replace(facts.loaders[0], pinned=True),)))


@pytest.mark.parametrize("source", ["print(step, loss.item())", "logger.info(loss)", "plt.plot(xs)"])
def test_printing(source):
    finding = found(with_line(source, 0.2))["printing"]
    assert f"train.py:12 `{source}" in finding.evidence
    assert finding.expected.speedup == pytest.approx(1 / (1 - 0.99 * 0.2))
    assert quiet(with_line(source, 0.02))
    assert quiet(with_line(source, 0.2, "forward"))


def test_a_statement_over_several_lines_is_pointed_at_and_not_cut():
    finding = found(with_line('torch.save({"model": net.state_dict(),', 0.2))["printing"]
    assert finding.python == "if step % 100 == 0:\n    ...  # the statement at train.py:12"


def test_few_looks_say_nothing():
    assert quiet(with_line("accuracy = slow(y)", 0.5), replace(FACTS, looks=8))


def test_slow_line():
    assert "train.py:12 `accuracy = slow(y)" in found(with_line("accuracy = slow(y)", 0.3))["slow_line"].evidence
    assert quiet(with_line("accuracy = slow(y)", 0.09))
    assert quiet(with_line("loss = net(x)", 0.9, "forward"))


def test_conversion_in_loop():
    finding = found(with_line("x = torch.tensor(rows)", 0.25))["conversion_in_loop"]
    assert finding.expected.speedup == pytest.approx(1 / 0.75)
    assert "slow_line" not in found(with_line("x = torch.tensor(rows)", 0.25)), "told once"
    assert quiet(with_line("x = torch.tensor(rows)", 0.04))
    traced = replace(FACTS, conversions_per_step=2.0, conversion_ms=0.6)
    assert "2 conversions" in found(facts=traced)["conversion_in_loop"].evidence
    assert quiet(facts=replace(traced, conversion_ms=0.4))
    assert quiet(with_line("y = net(x.to(device))", 0.9, "forward")), "the model's time is not the conversion's"


def test_waits_for_the_gpu():
    gpu, facts = replace(REPORT, device="cuda"), replace(FACTS, scalars_per_step=2.0)
    assert "2 numbers a step" in found(gpu, facts)["device_waits"].evidence
    assert quiet(facts=facts)
    assert quiet(gpu, replace(facts, scalars_per_step=0.9))


def test_outside_model():
    finding = found(replace(REPORT, outside_ms=620.0))["outside_model"]
    assert "62%" in finding.evidence
    assert finding.line == "%%prun"
    assert "outside_model" not in found(replace(REPORT, outside_ms=620.0), WAITING), "it is the loader"
    assert "outside_model" not in found(replace(with_line("slow()", 0.6), outside_ms=620.0)), "it is that line"

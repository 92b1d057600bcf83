"""Memory told apart, on event trees made by hand."""

from __future__ import annotations

import torch
from memory_by_hand import annotation, memory, node, operator, python

from tauto.profiling.allocations import Reading, read_allocations
from tauto.profiling.blocks import Block, blocks_of, device_of
from tauto.profiling.holders import Note
from tauto.profiling.timeline import CATEGORIES, WindowBlocks, memory_timeline
from tauto.profiling.turnover import step_starts, turnover

END = 1000
CPU = torch.device("cpu")


def training_step() -> Reading:
    """Inputs, a forward pass with a workspace, a loss, a backward pass, Adam's state, and the activations freed."""
    return read_allocations(
        [
            annotation("enumerate(DataLoader)#next", 10, 20, operator("aten::stack", 11, 19, memory(12, 1, 100))),
            operator("tauto@0", 22, 22),
            operator("tauto@1", 23, 23),
            operator(
                "tauto#0",
                30,
                60,
                operator(
                    "tauto#1",
                    31,
                    59,
                    operator(
                        "aten::linear",
                        32,
                        50,
                        memory(33, 2, 1000),
                        memory(34, 3, 70),
                        memory(35, 3, -70),
                        sequence=5,
                    ),
                    operator("aten::relu", 51, 58, memory(52, 4, 1000), sequence=6),
                ),
            ),
            operator("aten::cross_entropy_loss", 62, 69, memory(63, 5, 40), sequence=7),
            node(
                "NllLossBackward0", 70, 75, operator("aten::nll_loss_backward", 71, 74, memory(72, 6, 40)), sequence=7
            ),
            memory(76, 5, -40),
            node("AddmmBackward0", 80, 90, operator("aten::mm", 81, 88, memory(82, 7, 400)), sequence=5),
            memory(91, 6, -40),
            memory(92, 2, -1000),
            memory(93, 4, -1000),
            operator("tauto@2", 95, 95),
            annotation(
                "Optimizer.step#Adam.step", 100, 120, operator("aten::zeros_like", 101, 105, memory(102, 8, 800))
            ),
            operator("tauto@3", 121, 121),
            annotation("Optimizer.zero_grad#Adam.zero_grad", 130, 140, memory(131, 7, -400)),
            memory(150, 1, -100),
        ],
        frozenset([0]),
    )


NOTES = [
    Note("parameters", 1, ((90, 400, CPU),)),
    Note("inputs", 1, ((1, 100, CPU),)),
    Note("gradients", 1, ((7, 400, CPU),)),
    Note("optimizer_state", 2, ((8, 800, CPU),)),
]


def categories(blocks: list[Block]) -> dict[int, str]:
    """By size, as no two kinds of block here are of the same."""
    return {block.size: block.category for block in blocks}


def test_what_was_at_work_is_read() -> None:
    reading = training_step()
    phases = {one.address: one.place.phase for one in reading.allocations if one.size > 0}
    assert phases == {
        1: "data",
        2: "forward",
        3: "forward",
        4: "forward",
        5: "loss",
        6: "backward",
        7: "backward",
        8: "optimizer",
    }
    places = {one.address: one.place for one in reading.allocations if one.size > 0}
    assert (places[2].operator, places[2].number) == ("aten::linear", 1)
    assert (places[7].operator, places[7].number) == ("AddmmBackward0", 1), "the module of the forward operator"
    assert reading.roots == [(30, 60, 0)]
    assert reading.updates == [120]


def test_what_torch_names_counts_by_its_times() -> None:
    """With Python stacks, what happens inside an annotation stands beside it in the tree."""
    tree = [
        python("adam.py", 1, 9, 10, annotation("Optimizer.step#Adam.step", 10, 30)),
        operator("aten::sqrt", 12, 20, memory(13, 1, 8)),
        operator("aten::randn", 35, 40, memory(36, 2, 8)),
    ]
    reading = read_allocations(tree, frozenset())
    assert [one.place.phase for one in reading.allocations] == ["optimizer", "other"]


def test_every_block_has_its_category() -> None:
    blocks = blocks_of(training_step(), NOTES, "cpu", 0, END)
    found = [(block.size, block.category) for block in blocks]
    assert found == [
        (400, "parameters"),
        (100, "inputs"),
        (1000, "activations"),
        (70, "other"),
        (1000, "activations"),
        (40, "activations"),
        (40, "gradients"),
        (400, "gradients"),
        (800, "optimizer_state"),
    ]


def test_a_forward_done_again_in_the_backward_pass_makes_activations() -> None:
    again = operator("aten::linear", 12, 20, memory(13, 1, 64), sequence=9)
    own = operator("aten::mm", 21, 28, memory(22, 2, 32))
    reading = read_allocations([node("CheckpointBackward", 10, 30, again, own)], frozenset())
    assert categories(blocks_of(reading, [], "cpu", 0, END)) == {64: "activations", 32: "gradients"}


def test_an_output_that_the_next_model_takes_stays_an_activation() -> None:
    tree = [
        operator("tauto#0", 10, 20, operator("aten::linear", 11, 19, memory(12, 1, 64))),
        operator("tauto@0", 25, 25),
        operator("tauto#1", 30, 40),
    ]
    reading = read_allocations(tree, frozenset([0, 1]))
    (block,) = blocks_of(reading, [Note("inputs", 2, ((1, 64, CPU),))], "cpu", 0, END)
    assert block.category == "activations"


def test_what_is_older_than_the_window_ends_when_its_holder_gives_it_up() -> None:
    notes = [Note("gradients", 1, ((5, 64, CPU),)), Note("gradients", 1, ())]
    reading = read_allocations([operator("tauto@0", 10, 10), operator("tauto@1", 50, 50)], frozenset())
    (block,) = blocks_of(reading, notes, "cpu", 0, END)
    assert (block.category, block.start_ns, block.end_ns, block.freed) == ("gradients", 0, 50, True)


def test_a_block_whose_free_was_not_seen_ends_where_its_address_is_used_again() -> None:
    reading = read_allocations([memory(10, 1, 64), memory(30, 1, 32), memory(40, 1, -32)], frozenset())
    blocks = blocks_of(reading, [], "cpu", 0, END)
    assert [(block.size, block.start_ns, block.end_ns) for block in blocks] == [(64, 10, 30), (32, 30, 40)]


def test_an_accelerator_says_what_lived_before() -> None:
    tree = [
        operator("tauto@0", 5, 5),
        memory(10, 1, 64, "cuda:0", 1064),
        memory(20, 9, -300, "cuda:0", 764),
        memory(30, 2, 8),
    ]
    notes = [Note("parameters", 1, ((90, 400, torch.device("cuda:0")),))]
    reading = read_allocations(tree, frozenset())
    assert device_of(reading, notes) == "cuda:0"
    blocks = blocks_of(reading, notes, "cuda:0", 0, END)
    alive = {time: sum(b.size for b in blocks if b.start_ns <= time < b.end_ns) for time in (6, 15, 25)}
    assert alive == {6: 1000, 15: 1064, 25: 764}, "torch's own count of the device"


def test_the_users_line_is_the_innermost_of_theirs() -> None:
    def line_of(file: str, line: int) -> str:
        return f"{file}:{line}" if file == "train.py" else ""

    inner = python("torch/nn.py", 99, 3, 8, operator("aten::relu", 4, 7, memory(5, 1, 8)))
    tree = [python("train.py", 3, 1, 9, python("train.py", 12, 2, 8, inner))]
    (one,) = read_allocations(tree, frozenset(), line_of).allocations
    assert one.place.line == "train.py:12"


def test_the_timeline_adds_up_and_names_its_peak() -> None:
    reading = training_step()
    window = WindowBlocks(0, END, 0, step_starts(reading, {0: 0}), blocks_of(reading, NOTES, "cpu", 0, END))
    found = memory_timeline([window], "cpu", lambda place: (str(place.number), place.operator, place.line))
    assert found is not None
    assert tuple(found.categories) == CATEGORIES
    assert found.start_bytes == 400
    assert found.peak.total_bytes == 400 + 100 + 2000 + 40 + 400
    assert found.peak.by_category["activations"] == 2000
    assert (found.peak.module, found.peak.operator, found.peak.phase) == ("1", "AddmmBackward0", "backward")
    assert found.totals[-1] == 400 + 800, "what is alive at the end"
    assert max(found.totals) == found.peak.total_bytes
    assert list(found.times_ms) == sorted(found.times_ms)


def test_nothing_seen_is_no_timeline() -> None:
    assert memory_timeline([WindowBlocks(0, END, 0, [], [])], "cpu", lambda place: ("", "", "")) is None


def steps(kept: list[int], replaced: int = 0) -> tuple[list[int], list[Block]]:
    """Steps of 100 ns; step ``i`` keeps ``kept[i]`` bytes to the end, and ``replaced`` until the next has its own."""
    tree = []
    for index, size in enumerate(kept):
        at, next_at = 100 * index, 100 * (index + 1)
        tree.append(
            operator("tauto#0", at, at + 50, operator("aten::cat", at + 1, at + 40, memory(at + 2, index + 1, size)))
        )
        if replaced:
            tree.append(memory(at + 60, 500 + index, replaced * (index + 1)))
            tree.append(memory(next_at + 61, 500 + index, -replaced * (index + 1)))
    reading = read_allocations(sorted(tree, key=lambda event: event.start_time_ns), frozenset([0]))
    return step_starts(reading, {0: 0}), blocks_of(reading, [], "cpu", 0, END)


def grown(kept: list[int], replaced: int = 0) -> int:
    return turnover([steps(kept, replaced)], 100_000, lambda place: ("", place.operator, "")).growth_bytes


def test_what_every_step_keeps_is_growth() -> None:
    found = turnover([steps([8000] * 6)], 100_000, lambda place: ("", place.operator, ""))
    assert (found.growth_bytes, found.growth_steps) == (8000, 3)
    assert [(site.operator, site.bytes_per_step) for site in found.growth_sites] == [("aten::cat", 8000)]


def test_what_is_unsteady_small_or_replaced_is_no_growth() -> None:
    assert grown([8000, 0, 8000, 0, 0, 0]) == 0
    assert grown([100] * 6) == 0, "below the noise"
    assert grown([0] * 6, replaced=8000) == 0, "a cache that is replaced by a larger one"
    assert grown([8000] * 3) == 0, "too few steps"


def test_turnover_leaves_the_first_step_out() -> None:
    found = turnover([steps([90_000, 8000, 8000, 8000, 8000, 8000])], 1, lambda place: ("", place.operator, ""))
    assert (found.steps, found.allocated_bytes, found.freed_bytes) == (4, 8000, 0)


def test_a_step_ends_with_the_optimizers() -> None:
    """Two calls of a model before each optimizer step (accumulation) are one step."""
    tree = []
    for index in range(3):
        at = 100 * index
        tree += [operator("tauto#0", at, at + 10), operator("tauto#0", at + 20, at + 30)]
        tree.append(annotation("Optimizer.step#SGD.step", at + 50, at + 60))
    assert step_starts(read_allocations(tree, frozenset([0])), {0: 0}) == [0, 100, 200]

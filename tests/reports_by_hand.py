"""Reports made by hand, for the tests of all that shows, keeps or returns one."""

from __future__ import annotations

from dataclasses import replace

from compilation_by_hand import compiled, hostile_compilation
from decoding_by_hand import every_decoding, hostile_decoding
from distillation_by_hand import distillations, hostile_distillation
from exploration_by_hand import exploration, hostile_exploration
from fitting_by_hand import fitted, trainings
from growth_by_hand import grown
from layers_by_hand import every_layers, hostile_layers
from sensitivity_by_hand import (
    channel_maps,
    confidence,
    control,
    every_sensitivity,
    hostile_control,
    hostile_sensitivity,
    model_layers,
    notes,
    weight_picture,
)
from study_by_hand import every_study, hostile_study

from tauto.reports import (
    Agreement,
    Ceiling,
    Comparison,
    Conditions,
    Finding,
    Fix,
    FixReport,
    FixSide,
    Gain,
    Interval,
    Latency,
    LineRow,
    MachineReport,
    Measurement,
    Memory,
    ModuleRow,
    NotTried,
    OperatorRow,
    Phase,
    ProfileReport,
    Quality,
    RecipeReport,
    Report,
    RootModel,
    RunRow,
    RunsReport,
    StepReport,
    Steps,
    TrialReport,
    Tried,
    TuningReport,
    Usage,
)

HOSTILE = "<script>alert('x')</script><b id=\"a\">&amp; http://evil.example \x1b[31m\u202e | ` $x$\nnew line"


def conditions() -> Conditions:
    shapes = ("float32[1, 1, 32, 32]",)
    return Conditions("Intel Xeon, 2 cores, 23.5 GiB", "4f2a9c01", "cpu", 2, shapes, 1)


def measurement(name: str = "net", p50_ms: float = 8.42, size_bytes: int = 5_420_000) -> Measurement:
    latency = Latency(p50_ms, p50_ms * 1.12, 400, 40, 1000 / p50_ms)
    memory = Memory(61_000_000, 148_000_000)
    return Measurement(name, latency, size_bytes, 1_350_410, memory)


def comparison(speedup: float = 3.41, held: bool = True) -> Comparison:
    small = measurement("net (openvino int8)", 8.42 / speedup, 1_390_000)
    quality = Quality("accuracy", 0.98125, 0.98028, 0.00097, 0.0098125, True, held)
    verdict = "better" if speedup * 0.95 > 1.02 else "worse" if speedup * 1.05 < 0.98 else "same"
    return Comparison(
        original=measurement(),
        optimized=small,
        conditions=conditions(),
        speedup=speedup,
        speedup_interval=Interval(speedup * 0.95, speedup * 1.05),
        size_ratio=0.2565,
        memory_ratio=0.71,
        quality_drop=quality.drop,
        quality_held=held,
        quality_rule="accuracy may drop by 1% of the original's",
        agreement=Agreement(0.99931, 0.0312, 0.9972, 360),
        verdict=verdict,
        settled=True,
        preparation_s=6.42,
        break_even_calls=1083,
        quality=(quality,),
    )


def bare_comparison() -> Comparison:
    """A comparison in which whatever may be unknown is."""
    live = Memory(
        None, None, "not measured: a live object without a recipe cannot be made anew in a process of its own"
    )
    return replace(
        comparison(1.0),
        original=replace(measurement("a"), memory=live),
        optimized=replace(measurement("b"), memory=live),
        size_ratio=1.0,
        memory_ratio=None,
        quality_drop=None,
        quality_held=None,
        quality_rule="unproved: no evaluate, and only 3 varied inputs (64 are needed)",
        agreement=None,
        settled=False,
        preparation_s=None,
        break_even_calls=None,
        quality=(),
    )


def recipe(*names: str) -> RecipeReport:
    steps = tuple(StepReport(name, {}) for name in names)
    return RecipeReport(steps, "0123456789ab", " → ".join(names) or "the original")


def trials() -> tuple[TrialReport, ...]:
    broke = "The trial ended by signal 11 (SIGSEGV) while preparing openvino."
    return (
        TrialReport(
            0, recipe("channels_last"), "rejected", "The interval reaches below 1.02.", comparison(1.03), 0.04, 9.1, 0.2
        ),
        TrialReport(
            1, recipe("openvino"), "kept", "The fastest of those that hold the quality.", comparison(), 6.42, 21.0, 0.21
        ),
        TrialReport(
            2, recipe("bfloat16"), "rejected", "Slower from the first samples on.", comparison(0.41), 0.1, 3.2, 0.2
        ),
        TrialReport(
            3,
            recipe("fold_batchnorm", "compile"),
            "failed",
            broke,
            None,
            None,
            12.0,
            None,
            'Traceback (most recent call last):\n  File "x.py", line 1\nSegmentation fault',
        ),
        TrialReport(4, recipe("int8_dynamic"), "skipped", "No linear layers worth quantizing.", None, None, 0.0, None),
        TrialReport(
            5,
            recipe("int8_static"),
            "rejected",
            "Accuracy fell from 98.1 % to 92.4 %.",
            comparison(4.2, False),
            7.0,
            9.9,
            0.2,
        ),
    )


def tuning(verdict: str = "improved") -> TuningReport:
    improved = verdict == "improved"
    reasons = {
        "improved": "openvino is 3.4 times as fast and accuracy held",
        "kept_original": "No candidate was faster by more than 2 % with the quality held.",
        "infeasible": "the nearest miss, openvino, is 1.8 times as fast where 4 was asked for: latency binds.",
    }
    return TuningReport(
        verb="autotune",
        model="digits_net",
        verdict=verdict,  # type: ignore[arg-type]
        reason=reasons[verdict],
        objective="latency",
        quality_rule="accuracy may drop by 1% of the original's",
        speed_only=False,
        conditions=conditions(),
        trials=trials() if improved else trials()[2:5],
        winner=1 if improved else None,
        confirmed=comparison(3.38) if improved else None,
        not_tried=(NotTried("onnxruntime", "ONNX Runtime is not installed.", "pip install 'tauto[onnxruntime]'"),),
        budget_s=120.0,
        wall_s=74.3,
    )


def controlled(met: bool = True) -> TuningReport:
    """A search in which quality control was at work."""
    found = tuning("improved" if met else "infeasible")
    found = replace(found, verb="quantize", before=notes(), control=(control(met),), confidence=confidence())
    if not met:
        return found
    return replace(found, layers=model_layers(), pictures=(weight_picture(),), channels=channel_maps())


def bare_tuning() -> TuningReport:
    """A search that was stopped before its first trial."""
    return replace(
        tuning("kept_original"),
        reason="the search was stopped before its first trial ended",
        speed_only=True,
        trials=(),
        not_tried=(),
        budget_s=None,
        interrupted=True,
    )


def modules(count: int) -> tuple[ModuleRow, ...]:
    """A tree: a root, stages of eight layers, layers."""
    rows = [
        ModuleRow("", "DigitsNet", 0, 0, 20, 168.4, 1.2, 45_000_000, 9_000_000, 1_350_410, 5_401_640, "compute", 0.36)
    ]
    for index in range(count - 1):
        stage, layer = divmod(index, 8)
        depth, path = (1, f"stage{stage}") if layer == 0 else (2, f"stage{stage}.conv{layer}")
        time = 60.0 / (stage + 1) if layer == 0 else 8.0 / (stage + layer)
        bound = ("compute", "memory", "overhead", None)[index % 4]
        known = None if bound is None else 0.61 / layer if layer else 0.4
        # no three alike in turn, so that none are folded
        kind = ("Sequential", "Stage")[stage % 2] if layer == 0 else ("Conv2d", "BatchNorm2d", "ReLU")[layer % 3]
        rows.append(
            ModuleRow(
                path,
                kind,
                0,
                depth,
                20,
                time,
                0.0 if layer == 0 else time,
                4_000_000,
                90_000,
                9216,
                36864,
                bound,
                known,
            )
        )
    return tuple(rows)


def profile(count: int = 30) -> ProfileReport:
    operators = (
        OperatorRow("aten::mkldnn_convolution", 160, 121.4, 120.9, 800_000_000, 64_000_000),
        OperatorRow("aten::native_batch_norm", 160, 21.0, 20.2, 0, 64_000_000),
        OperatorRow("aten::clamp_min_", 160, 9.1, 9.0, 0, 0),
        OperatorRow("aten::scaled_dot_product_attention", 20, 4.0, 4.0, None, 12_000),
    )
    findings = (
        Finding(
            "eval_missing",
            "The model ran in training mode",
            "No gradient was taken in this cell, and batch normalisation took 12 % of the time.",
            "%tauto_autotune net",
            "tauto.autotune(net)",
        ),
        Finding(
            "batch_of_one",
            "Batches of one sample",
            "3,600 calls of one sample each.",
            "",
            "loader = DataLoader(data, batch_size=32)",
        ),
    )
    root = RootModel("net", "DigitsNet", 3600, 30_312.0, 1_350_410, 5_401_640, ("float32[1, 1, 32, 32]",), True, 64)
    return ProfileReport(
        subject="cell",
        wall_ms=33_020.0,
        outside_ms=2_708.0,
        root_calls=3600,
        sampled_calls=20,
        roots=(root,),
        modules=modules(count),
        operators=operators,
        uncounted=("aten::scaled_dot_product_attention (2.6 %)",),
        flops=45_000_000,
        peak_bytes=412_000_000,
        allocated_bytes=140_012_000,
        findings=findings,
        machine="Intel Xeon, 2 cores, 23.5 GiB",
        fingerprint="4f2a9c01",
        device="cpu",
        threads=2,
        analysis_ms=412.0,
    )


def transformer_modules(layers: int = 12) -> tuple[ModuleRow, ...]:
    """A tree of alike layers, trained in bfloat16, below names that are long."""

    def row(path: str, kind: str, depth: int, total: float, own: float, flops: int) -> ModuleRow:
        bound = "compute" if flops > 1_000_000 else "memory" if flops else None
        return ModuleRow(path, kind, 0, depth, 5, total, own, flops, 4_200_000, 590_592, 2_362_368, bound,
                         0.41 if bound else None, "bfloat16", 12_600_000, 2.1 * total)  # fmt: skip

    rows = [row("", "TextClassifierWithAnAstonishinglyLongName", 0, 500.0, 2.0, 20_000_000_000)]
    rows.append(row("bert.encoder", "BertEncoder", 1, 480.0, 1.0, 19_000_000_000))
    for index in range(layers):
        path = f"bert.encoder.layer.{index}"
        rows.append(row(path, "BertLayer", 2, 39.0 + index / 5, 0.5, 1_600_000_000))
        rows.append(row(f"{path}.attention.self_attention_with_relative_positions", "Attention", 3, 14.0, 14.0, 10**9))
        rows.append(row(f"{path}.norm", "LayerNorm", 3, 1.0, 1.0, 400_000))
    return (*rows, row("classifier", "Linear", 1, 4.0, 4.0, 1_000_000_000))


def trained_profile() -> ProfileReport:
    """A cell that trains, with all that a profile can tell."""
    phases = (
        Phase("data", 400, 9_200.0),
        Phase("forward", 400, 8_000.0),
        Phase("loss", 400, 310.0),
        Phase("backward", 400, 14_000.0),
        Phase("optimizer", 400, 1_100.0),
        Phase("other", 0, 410.0),
    )
    lines = (
        LineRow("train.py", 14, "for images, labels in loader:", 0.28, "data", True),
        LineRow("train.py", 16, "loss = criterion(model(images), labels)", 0.25, "forward"),
    )
    usage = Usage(
        tuple(20.0 * moment for moment in range(60)),
        tuple(300_000_000 + 2_000_000 * moment for moment in range(60)),
        (tuple(moment % 10 / 10 for moment in range(60)), (0.5,) * 60),
    )
    findings = (
        Finding(
            "workers", "The loop waits for its data", "28 % of the wall time.", "", "DataLoader(data, num_workers=1)",
            "data", Gain(1.38, None, "all of the waiting hidden behind the model"),
            Fix("loader", "loader", {"num_workers": 1}), Tried("better", 1.31, Interval(1.27, 1.35)),
        ),
        Finding(
            "fused", "The optimizer runs parameter by parameter", "3 % of the wall time.", "", "AdamW(fused=True)",
            "waste", Gain(1.02, None, "half of the optimizer's time"), None,
            Tried("worse", 0.94, Interval(0.92, 0.96), -12_000_000),
        ),
        Finding("checkpoint", "Activations dominate", "81 % of the peak.", "", "checkpoint(block, x)", "memory",
                Gain(None, 310_000_000, "the activations of all layers but one")),
        Finding("try", "It can be tried as it is", "Everything that applies.", "%tauto_autotune net", "", "seen"),
    )  # fmt: skip
    return replace(
        profile(),
        modules=transformer_modules(),
        findings=findings,
        phases=phases,
        steps=Steps("optimizer step", 400, (2, 3, 4, 5, 6, 200, 201), 82.0, 97.5),
        lines=lines,
        usage=usage,
        ceilings=machine().ceilings,
        uncounted=tuple(f"mine::op{index} (1.{index} %)" for index in range(10)),
    )


def bare_profile() -> ProfileReport:
    """A cell that called no model."""
    return replace(
        profile(),
        wall_ms=0.0,
        outside_ms=0.0,
        root_calls=0,
        sampled_calls=0,
        roots=(),
        modules=(),
        operators=(),
        uncounted=(),
        flops=0,
        peak_bytes=None,
        allocated_bytes=0,
        findings=(),
    )


def machine() -> MachineReport:
    ceilings = (
        Ceiling("matrix product, float32", 331.0, "GFLOP/s"),
        Ceiling("matrix product, bfloat16", 2014.0, "GFLOP/s"),
        Ceiling("matrix product, int8", 4480.0, "GFLOP/s"),
        Ceiling("copy within the cache", 61.0, "GB/s"),
        Ceiling("copy in memory", 12.1, "GB/s"),
    )
    return MachineReport("Intel Xeon", "cpu", "4f2a9c01", 2, 25_200_000_000, ("AVX2", "AVX512", "AMX_INT8"), ceilings)


def runs() -> RunsReport:
    rows = (
        RunRow(
            2,
            "2026-11-21T09:12:44+00:00",
            "autotune",
            "digits_net",
            "Improved: 3.4× faster",
            "improved",
            "4f2a9c01",
            "Intel Xeon",
        ),
        RunRow(
            1, "2026-11-21T09:10:02+00:00", "profile", "cell", "33.0 s: 92 % in the model", "", "4f2a9c01", "Intel Xeon"
        ),
    )
    return RunsReport("data/.tauto", rows, 2)


def hostile() -> tuple[Report, ...]:
    """Reports in which every text that a user or a machine gives is markup."""
    module = ModuleRow(f"a.{HOSTILE}", HOSTILE, 0, 1, 1, 1.0, 1.0, 0, 0, 0, 0, None, None)
    root = RootModel(HOSTILE, HOSTILE, 1, 1.0, 1, 4, (HOSTILE,), False, 0)
    finding = Finding(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    operator = OperatorRow(HOSTILE, 1, 1.0, 1.0, None, 1)
    seen = replace(
        profile(),
        subject=HOSTILE,
        machine=HOSTILE,
        device=HOSTILE,
        roots=(root, root),
        modules=(module,),
        operators=(operator,),
        findings=(finding,),
        uncounted=(HOSTILE,),
    )
    held = replace(conditions(), machine=HOSTILE, device=HOSTILE, shapes=(HOSTILE,), mode=HOSTILE)
    quality = Quality(HOSTILE, 0.9, 0.8, 0.1, 0.01, True, False)
    nameless = replace(measurement(HOSTILE), memory=Memory(None, None, HOSTILE))
    pair = replace(
        comparison(), original=nameless, optimized=nameless, conditions=held, quality=(quality,), quality_rule=HOSTILE
    )
    tried = TrialReport(
        0,
        RecipeReport((StepReport(HOSTILE, {HOSTILE: HOSTILE}),), HOSTILE, HOSTILE),
        "kept",
        HOSTILE,
        pair,
        1.0,
        1.0,
        1.0,
        HOSTILE,
        notes=(HOSTILE,),
    )
    search = replace(
        tuning(),
        verb=HOSTILE,
        model=HOSTILE,
        reason=HOSTILE,
        quality_rule=HOSTILE,
        conditions=held,
        trials=(tried,),
        winner=0,
        confirmed=pair,
        not_tried=(NotTried(HOSTILE, HOSTILE, HOSTILE),),
    )
    here = MachineReport(HOSTILE, HOSTILE, HOSTILE, 1, None, (HOSTILE,), (Ceiling(HOSTILE, 1.0, "GB/s"),))
    past = RunsReport(HOSTILE, (RunRow(1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),), 1)
    told = replace(fix_report(), subject=HOSTILE, finding=finding, reason=HOSTILE, notes=(HOSTILE,), machine=HOSTILE)
    kept = replace(search, verdict="kept_original", winner=None)
    trained = replace(fitted(HOSTILE, HOSTILE), method=HOSTILE, reason=HOSTILE, device=HOSTILE)
    layers = hostile_layers(HOSTILE), hostile_sensitivity(HOSTILE), hostile_control(HOSTILE, search)
    cut = hostile_compilation(HOSTILE, search)
    taught = hostile_distillation(HOSTILE, pair)
    decoded = hostile_decoding(HOSTILE)
    done = told, trained, taught, cut, decoded, *layers
    return seen, pair, nameless, search, kept, here, past, *done, *hostile_study(HOSTILE), hostile_exploration(HOSTILE)


def fix_report(speedup: float = 3.2, objective: str = "time") -> FixReport:
    """A fix that was tried: better, the same or worse by its speedup."""
    verdict = "better" if speedup > 1.1 else "worse" if speedup < 0.9 else "same"
    interval = Interval(speedup * 0.96, speedup * 1.04)
    finding = Finding(
        "data_loading",
        "The loop waits for its data",
        "79 % of the cell was spent waiting for 50 batches.",
        "%tauto_fix data_loading",
        "DataLoader(dataset, num_workers=2, persistent_workers=True)",
        cause="data",
        expected=Gain(2.9, None, "two workers beside the model"),
        fix=Fix("loader", "loader", {"num_workers": 2}),
        tried=Tried(verdict, speedup, interval, -90_000_000),
    )
    before = FixSide(Latency(412.0, 430.0, 96, 24, 2.4, 401.0), 1520.0, 780_000_000, 1.4902)
    after = FixSide(
        Latency(412.0 / speedup, 431.0 / speedup, 96, 24, 2.4 * speedup, 400.0 / speedup), 3840.0, 690_000_000, 1.4911
    )
    return FixReport(
        subject="cell",
        finding=finding,
        verdict=verdict,
        reason="the whole interval lies above 1.02",
        objective=objective,
        unit="optimizer step",
        original=before,
        fixed=after,
        speedup=speedup,
        speedup_interval=interval,
        settled=True,
        same_results=objective == "time",
        notes=("Measured as from the second pass over the data on.",),
        machine="Intel Xeon, 2 cores, 23.5 GiB",
        fingerprint="4f2a9c01",
        device="cpu",
        threads=2,
        budget_s=60.0,
        wall_s=31.4,
    )


def bare_fix_report() -> FixReport:
    """A fix that could not be tried."""
    told = fix_report()
    unknown = dict.fromkeys(("verdict", "original", "fixed", "speedup", "speedup_interval"))
    finding = replace(told.finding, expected=None, tried=None, python="", fix=None)
    reason = "with the fix the cell raised RuntimeError: expected scalar type Float"
    return replace(told, finding=finding, reason=reason, settled=False, notes=(), **unknown)


def everything() -> tuple[Report, ...]:
    """One report of every kind and of every verdict, bare ones among them."""
    return (
        profile(),
        trained_profile(),
        bare_profile(),
        comparison(),
        comparison(0.5, False),
        bare_comparison(),
        measurement(),
        fix_report(),
        fix_report(1.0, "memory"),
        fix_report(0.7),
        bare_fix_report(),
        tuning(),
        tuning("kept_original"),
        tuning("infeasible"),
        bare_tuning(),
        machine(),
        replace(machine(), memory_bytes=None, instruction_sets=(), ceilings=()),
        *grown(),
        *every_layers(),
        *every_sensitivity(),
        *every_decoding(),
        *every_study(),
        exploration(),
        exploration(()),
        controlled(),
        controlled(met=False),
        *compiled(tuning()),
        *trainings(),
        *distillations(comparison(), comparison(3.0, False)),
        runs(),
        replace(runs(), rows=(), total=0),
    )


def whole_profile() -> ProfileReport:
    """A cell that trains, with memory over time and with the operators of each module."""
    from memory_by_hand import timeline  # needs torch, which nothing else here does

    own = {"Attention": {"aten::addmm": 9.0, "aten::bmm": 3.5, "aten::softmax": 1.5}, "LayerNorm": {"aten::add": 1.0}}
    rows = tuple(replace(row, operators=own.get(row.kind, {})) for row in transformer_modules())
    return replace(trained_profile(), modules=rows, memory=timeline(), subject="cell [3]")

"""Studies made by hand, of every kind that a page must be able to show."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports import StudiesReport, StudyGoal, StudyKnob, StudyReport, StudyRow, StudyTrial

MACHINES = {"4f2a9c01": "Intel Xeon, 2 cores, 23.5 GiB", "77ab00cd": "AMD EPYC, 64 cores, 512.0 GiB"}


def study() -> StudyReport:
    """A search with a best trial, and one of each other end."""
    return StudyReport(
        name="digits",
        subject="objective",
        storage=".tauto/studies.db",
        goals=(StudyGoal("accuracy", "maximize"),),
        constraints=(),
        knobs=(
            StudyKnob("lr", "1e-05 … 0.1, by ratios", True, 0.82),
            StudyKnob("opt", "adam, sgd", False, 0.18),
            StudyKnob("width", "16 … 64", False, None),
        ),
        trials=(
            StudyTrial(0, "complete", {"lr": 0.01, "opt": "sgd"}, (0.91,), seconds=2.5, drawn_at_random=True),
            StudyTrial(1, "failed", {"lr": 0.1, "opt": "sgd"}, reason="returned NaN, which is no result", seconds=1.0),
            StudyTrial(2, "complete", {"lr": 0.003, "opt": "adam", "width": 32}, (0.97,), seconds=2.75),
            StudyTrial(3, "stopped_early", {"lr": 1e-5, "opt": "sgd"}, seconds=0.5, step=2),
            StudyTrial(4, "interrupted", {"lr": 0.004}, reason="the process that ran it ended"),
            StudyTrial(5, "complete", {"lr": 0.02, "opt": "sgd"}, (0.89,), seconds=2.5, drawn_at_random=True),
            StudyTrial(6, "running", {}),
        ),
        best=2,
        front=(),
        nearest=None,
        random_best=(0.90, 0.91),
        stopped="the time was up",
        earlier=2,
        sampler="tpe",
        pruner="median",
        importance_by="fANOVA",
        budget_s=300.0,
        wall_s=299.0,
        machine="Intel Xeon, 2 cores, 23.5 GiB",
        fingerprint="4f2a9c01",
    )


def several() -> StudyReport:
    """Two goals: a front."""
    trials = (
        StudyTrial(0, "complete", {"width": 16}, (0.90, 1.5), {"accuracy": 0.90, "ms": 1.5}, machine="4f2a9c01"),
        StudyTrial(1, "complete", {"width": 64}, (0.97, 4.0), {"accuracy": 0.97, "ms": 4.0}),
        StudyTrial(2, "complete", {"width": 48}, (0.89, 5.0), {"accuracy": 0.89, "ms": 5.0}),
    )
    goals = (StudyGoal("accuracy", "maximize"), StudyGoal("ms", "minimize"))
    return replace(
        study(), goals=goals, trials=trials, best=None, front=(0, 1), random_best=(), earlier=0, machines=MACHINES
    )


def infeasible() -> StudyReport:
    """No trial keeps the constraints."""
    trials = (
        StudyTrial(0, "complete", {"width": 64}, (0.97,), {"accuracy": 0.97, "mb": 8.0}, {"mb <= 5": 3.0}),
        StudyTrial(1, "complete", {"width": 32}, (0.95,), {"accuracy": 0.95, "mb": 5.5}, {"mb <= 5": 0.5}),
    )
    return replace(study(), constraints=("mb <= 5",), trials=trials, best=None, nearest=1, random_best=(), earlier=0)


def seeded() -> StudyReport:
    """Every trial under three seeds."""
    one = StudyTrial(0, "complete", {"lr": 0.01}, (0.9,), by_seed=(0.88, 0.9, 0.92), seconds=3.0)
    return replace(study(), seeds=3, trials=(one,), best=0, earlier=0)


def many_trials(count: int) -> StudyReport:
    """A search of so many trials, with figures all over."""
    trials = tuple(
        StudyTrial(
            number,
            "complete",
            {"lr": 10.0 ** -(number % 5), "opt": ("adam", "sgd")[number % 2], "width": 16 + number % 49},
            (0.5 + 0.4 * ((number * 7919) % count) / count,),
            seconds=1.0,
        )
        for number in range(count)
    )
    return replace(study(), trials=trials, best=1, earlier=0)


def studies() -> StudiesReport:
    """A list of two."""
    rows = (
        StudyRow("digits", "objective", "maximize accuracy", 42, 0.97, "2026-11-23T01:00:00"),
        StudyRow("plain", "", "minimize value", 0, None, ""),
    )
    return StudiesReport(".tauto/studies.db", rows)


def every_study() -> tuple[StudyReport | StudiesReport, ...]:
    """All of them, bare ones too."""
    bare = replace(study(), trials=(), knobs=(), best=None, random_best=(), earlier=0, stopped="")
    stopped = replace(study(), interrupted=True, notes=("Trial 2 printed over 120 MB; only the end of it was kept.",))
    return study(), several(), infeasible(), seeded(), bare, stopped, studies(), StudiesReport("a.db", ())


def hostile_study(text: str) -> tuple[StudyReport | StudiesReport, ...]:
    """A report whose every word comes from the user."""
    trial = StudyTrial(0, "complete", {text: text}, (0.5,), {text: 0.5}, {text: 1.0}, reason=text)
    failed = StudyTrial(1, "failed", {text: text}, reason=text)
    knob = StudyKnob(text, text, False, 0.5)
    told = replace(study(), name=text, subject=text, storage=text, goals=(StudyGoal(text, "maximize"),), knobs=(knob,))
    words = {
        "constraints": (text,),
        "stopped": text,
        "machine": text,
        "notes": (text,),
        "sampler": text,
        "pruner": text,
        "machines": {text: text, "4f2a9c01": text},
    }
    told = replace(told, trials=(trial, failed), best=None, nearest=0, random_best=(), earlier=0, **words)
    return told, StudiesReport(text, (StudyRow(text, text, text, 1, 0.5, text),))

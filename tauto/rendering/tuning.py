"""The page of a :class:`~tauto.reports.TuningReport`: the verdict, the proof, and every trial."""

from __future__ import annotations

from dataclasses import replace

from tauto.rendering.comparison import before_after, break_even, busy, conditions, gains
from tauto.rendering.compilation import compilation_blocks, compilation_sentences
from tauto.rendering.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Folded,
    Items,
    Mark,
    Note,
    Row,
    Table,
    cell,
    clean,
)
from tauto.rendering.hints import Hints
from tauto.rendering.numbers import UNKNOWN, metric, plural, ratio, seconds
from tauto.rendering.quality_control import (
    before_items,
    confidence_notes,
    control_notes,
    control_sentences,
    layer_blocks,
)
from tauto.rendering.weight_pictures import picture_blocks, picture_sentences
from tauto.reports import Comparison, NotTried, StudyNote, TargetNote, TrialReport, TuningReport

__all__ = ["document", "explain", "headline", "winning_trial"]

_OWN_CODE = "r.model      # the optimized model, ready to call\nr.script()   # the plain Python that does the same"
_FILES = (
    "--recipe FILE   # the recipe: tauto apply FILE MODEL, or in Python tauto.apply(FILE, model)\n"
    "--script FILE   # the plain Python that does the same"
)
_USE = {
    "notebook": Code("To use it, with r = tauto.last() (also %tauto_script)", _OWN_CODE),
    "python": Code("To use it, with r = tauto.last()", _OWN_CODE),
    "terminal": Code("To use it, have the command write files", _FILES),
}
_TRIALS = (
    Column("#", number=True),
    Column("Recipe"),
    Column("Status"),
    Column("Speedup", number=True),
    Column("Quality", number=True),
    Column("Preparation", number=True, in_text=False),
    Column("Why"),
)
_CHOSEN = "✓ chosen"
"""What stands for kept where nothing was timed on the machine that it is for."""
_SIGNS = {"kept": "✓ kept", "rejected": "• rejected", "failed": "✗ failed", "skipped": "– skipped"}
MOST_SKIPPED = 10
"""Recipes named of those that were skipped for one reason; all of them are in the report."""
_ORDINARY = {
    "a",
    "all",
    "an",
    "each",
    "every",
    "it",
    "its",
    "no",
    "none",
    "not",
    "nothing",
    "only",
    "the",
    "there",
}


def winning_trial(report: TuningReport) -> TrialReport | None:
    """Return the trial whose recipe was kept; None when the original was."""
    return next((trial for trial in report.trials if trial.number == report.winner), None)


def believed(report: TuningReport) -> Comparison | None:
    """Return the comparison to believe of the winner: the confirmation, else its trial's."""
    winner = winning_trial(report)
    return report.confirmed or (winner.comparison if winner else None)


def headline(report: TuningReport) -> str:
    """Return the verdict in one line with its numbers."""
    reason = report.reason.strip().rstrip(".")
    proof = believed(report)
    if report.verdict == "improved":
        return f"Improved: {', '.join(gains(proof))}" if proof else f"Improved: {reason}"
    if report.verdict == "applied":
        return f"Applied as asked: {reason}"
    if report.verdict == "estimated":
        return f"Estimated, not measured: {_estimate(report)}"
    lead = "Kept the original, because" if report.verdict == "kept_original" else "Infeasible:"
    if reason.lower().startswith(("kept the original", "infeasible")):
        return reason[:1].upper() + reason[1:]
    if not reason:
        return lead.rstrip(":").removesuffix(", because")
    first, _, rest = reason.partition(" ")
    return f"{lead} {first.lower() if first.lower() in _ORDINARY else first} {rest}".rstrip()


def _estimate(report: TuningReport) -> str:
    winner, target = winning_trial(report), report.target
    title = winner.recipe.title if winner else "the original"
    if target is None or target.expected is None:
        return title
    return f"{title} is expected to be {ratio(target.expected)} as fast on {target.name}"


def document(report: TuningReport, hints: Hints | None = None) -> Document:
    """Return the page."""
    tone = {"improved": "good", "infeasible": "bad"}.get(report.verdict, "neutral")
    only = " (speed only)" if report.speed_only else ""
    title = f"{report.verb.capitalize()} of {report.model}{only}"
    blocks = [*_notes(report), *_proof(report), *_after(report, hints or Hints())]
    return Document(title, headline(report), tuple(blocks), tone)  # type: ignore[arg-type]


def _notes(report: TuningReport) -> list[Block]:
    blocks: list[Block] = []
    if report.speed_only:
        blocks.append(Note("Speed only: no quality could be judged, so check the outputs before you rely on this."))
    if report.interrupted:
        blocks.append(Note("Interrupted: this is the best found until then."))
    if (target := report.target) is not None:
        blocks += _target_notes(target, estimated=report.verdict == "estimated")
    if report.confirmed:
        blocks.append(Note("Confirmed in a fresh process, which loaded the winner from its files and timed it again."))
    elif report.verdict == "improved":
        blocks.append(Note("Not confirmed in a fresh process; the figures are those of the winning trial."))
    return [*blocks, *control_notes(report)]


def _target_notes(target: TargetNote, *, estimated: bool) -> list[Block]:
    if not target.elsewhere:
        held = f" held to what it has ({target.held})" if target.held else ""
        return [Note(f"For {target.name}: measured on this machine{held}, which stood in for it.")]
    notes: list[Block] = [Note(f"For {target.name}, which cannot be measured here: {target.elsewhere}.")]
    if estimated:
        notes.append(Note(f"What is expected rests on rules of thumb and on what the file of {target.name} says."))
        notes.append(Note(f"The times below are of this machine, not of {target.name}."))
        notes.append(Code(f"To measure it on {target.name}, with r.recipe.to_yaml() as recipe.yaml", target.command))
    return notes


def _proof(report: TuningReport) -> list[Block]:
    proof, winner = believed(report), winning_trial(report)
    blocks: list[Block] = []
    if winner:
        blocks.append(Note(f"Recipe: {winner.recipe.title}"))
    if proof:
        blocks.append(before_after(proof))
    extra = [("Quality rule", report.quality_rule), *confidence_notes(report)]
    if proof:
        extra += [("Preparation", break_even(proof)), *busy(proof)]
    tried = sum(trial.status != "skipped" for trial in report.trials)
    searched = f"{tried} of {plural(len(report.trials), 'candidate')} tried in {seconds(report.wall_s)}"
    budget = f" of a budget of {seconds(report.budget_s)}" if report.budget_s else ""
    ended = f"; ended early, since {report.ended}" if report.ended else ""
    extra += [("Searched", f"{searched}{budget}, for {report.objective}{ended}")]
    if report.workers > 1:
        threads = plural(report.conditions.threads, "thread")
        words = f"prepared beside each other, which takes longer than alone; each timed alone, with {threads}"
        extra += [("At once", f"{report.workers} candidates, {words}")]
    if (study := report.study) is not None:
        extra += [("Study", _study(study))]
    if report.constraints:
        extra += [("Kept to", "; ".join(report.constraints))]
    blocks.append(conditions(report.conditions, tuple(extra)))
    return blocks


def _study(study: StudyNote) -> str:
    words = f"{study.name} in {study.storage}"
    if study.earlier:
        words += f"; {plural(study.earlier, 'trial')} of the search before taken over"
    if study.elsewhere:
        words += f"; {plural(study.elsewhere, 'trial')} of other machines in it, which nothing here is compared with"
    if study.outdated:
        words += f"; {plural(study.outdated, 'trial')} under {study.versions} in it, not taken over"
    return f"{words}; not all trials are in it: {study.trouble}" if study.trouble else words


def _after(report: TuningReport, hints: Hints) -> list[Block]:
    blocks = compilation_blocks(report.compilation)
    blocks += [_trials(report), *_skipped(report), _told(report), _not_tried(report.not_tried)]
    blocks += [before_items(report.before), *layer_blocks(report.layers)]
    blocks += picture_blocks(report.pictures, report.channels)
    tails = tuple(
        Code(f"Trial {trial.number}: {trial.recipe.title}", trial.output_tail)
        for trial in report.trials
        if trial.output_tail.strip()
    )
    if tails:
        blocks.append(Folded("What the failed trials printed last", tails[:10]))
    if report.winner is not None:
        blocks.append(_USE[hints.form])
    return blocks


def _trials(report: TuningReport) -> Table:
    tops = [trial.comparison.speedup_interval.high for trial in report.trials if trial.comparison]
    top = max([1.2, *(value for value in tops if value < 1e6)]) * 1.05
    tried = [trial for trial in report.trials if trial.status != "skipped"]
    far = report.verdict == "estimated"
    rows = tuple(_trial(trial, top, trial.number == report.winner, far=far) for trial in tried)
    legend = "The dashed line is 1×, the speed of the original; each bar is the 95 % interval around its point."
    columns = tuple(replace(one, title="Speedup here") if far and one.title == "Speedup" else one for one in _TRIALS)
    return Table("Trials", columns, rows, more="trials", legend=legend if tops else "")


def _skipped(report: TuningReport) -> list[Note]:
    """Return one line for each reason, with what was skipped for it."""
    titles: dict[str, list[str]] = {}
    for trial in report.trials:
        if trial.status == "skipped":
            titles.setdefault(trial.reason, []).append(trial.recipe.title)
    return [Note(f"Skipped, {reason.rstrip('.')}: {_named(names)}.") for reason, names in titles.items()]


def _named(titles: list[str]) -> str:
    more = len(titles) - MOST_SKIPPED
    return "; ".join(titles) if more <= 0 else f"{'; '.join(titles[:MOST_SKIPPED])}; and {more} more"


def _trial(trial: TrialReport, top: float, won: bool, *, far: bool) -> Row:
    compared = trial.comparison
    speedup = Cell(UNKNOWN)
    if compared:
        interval = compared.speedup_interval
        mark = Mark(compared.speedup, top, interval.low, interval.high, reference=1.0)
        speedup = Cell(ratio(compared.speedup, interval), mark, strong=won)
    cells = (
        Cell(str(trial.number)),
        cell(trial.recipe.title, strong=won),
        Cell(_CHOSEN if far and trial.status == "kept" else _SIGNS[trial.status]),
        speedup,
        cell(_quality(compared)),
        Cell(seconds(trial.preparation_s)),
        cell(trial.reason),
    )
    weight = {"kept": 3.0, "failed": 1.0, "rejected": 2.0, "skipped": 0.0}[trial.status]
    return Row(cells, weight=float("inf") if won else weight)


def _quality(compared: Comparison | None) -> str:
    if compared is None:
        return UNKNOWN
    if compared.quality:
        worst = max(compared.quality, key=lambda one: one.drop - one.allowed_drop)
        return f"{metric(worst.metric, worst.optimized)} {'held' if worst.held else 'not held'}"
    return {True: "held", False: "not held", None: "unproved"}[compared.quality_held]


def _telling(report: TuningReport) -> TrialReport | None:
    """Return the trial whose notes are shown: the winner, or else the last that has some."""
    return winning_trial(report) or next((trial for trial in reversed(report.trials) if trial.notes), None)


def _told(report: TuningReport) -> Items:
    trial = _telling(report)
    items = tuple((note, "", ()) for note in (trial.notes if trial else ()))
    return Items(f"What {clean(trial.recipe.title) if trial else ''} did", items, more="notes")


def _not_tried(found: tuple[NotTried, ...]) -> Items:
    items = tuple((one.technique, one.reason, (one.remedy,) if one.remedy else ()) for one in found)
    return Items("Not tried", items, more="techniques")


def explain(report: TuningReport) -> str:
    """Return, technique by technique, why each was kept, rejected, skipped or failed."""
    lines = [f"{headline(report)}."]
    if winner := winning_trial(report):
        lines.append(f"The recipe is {winner.recipe.title}.")
    if report.speed_only:
        lines.append("No quality could be judged: this is about speed only.")
    lines += control_sentences(report)
    lines += [f"{name}: {words}." for name, words in confidence_notes(report)]
    lines += [f"Known before the work: {title}: {words}." for title, words, _ in before_items(report.before).items]
    far = report.verdict == "estimated"
    lines += [_sentence(trial, report.confirmed, far=far) for trial in report.trials if trial.status != "skipped"]
    lines += [f"{note.text}" for note in _skipped(report)]
    lines += [f"The search ended early, since {report.ended}."] if report.ended else []
    lines += compilation_sentences(report.compilation)
    lines += picture_sentences(report.pictures, report.channels)
    if (telling := _telling(report)) and telling.notes:
        lines.append(f"What {telling.recipe.title} did: {' '.join(telling.notes)}")
    lines += [
        f"{one.technique} was not tried: {one.reason.rstrip('.')}."
        + (f" To have it tried: {one.remedy}" if one.remedy else "")
        for one in report.not_tried
    ]
    return "\n".join(lines)


def _sentence(trial: TrialReport, confirmed: Comparison | None, *, far: bool) -> str:
    if far and trial.status == "kept":
        return f"{trial.recipe.title} was chosen: {trial.reason.rstrip('.')}."
    verb = {"kept": "was kept", "rejected": "was rejected", "failed": "failed", "skipped": "was skipped"}[trial.status]
    figures = ""
    if compared := trial.comparison:
        figures = f" at {ratio(compared.speedup, compared.speedup_interval)} the speed of the original"
        figures += " in its trial, and then confirmed" if trial.status == "kept" and confirmed else ""
    return f"{trial.recipe.title} {verb}{figures}: {trial.reason.rstrip('.')}.{_paying(trial, confirmed)}"


def _paying(trial: TrialReport, confirmed: Comparison | None) -> str:
    """Return above how many calls the preparation pays, as a further sentence; nothing where it is not known."""
    compared = confirmed if trial.status == "kept" and confirmed else trial.comparison
    if compared is None or compared.break_even_calls is None or compared.preparation_s is None:
        return ""
    pays = "It pays" if trial.status == "kept" else "It would pay"
    calls, spent = plural(compared.break_even_calls, "call"), seconds(compared.preparation_s)
    return f" {pays} only above {calls}: {spent} to prepare."

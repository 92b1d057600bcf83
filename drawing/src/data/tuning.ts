import type { RecipeTrial, Tuning } from "../reports/tuning";
import { dataSize, duration, number, ratio, share } from "./numbers";
import type { Axis, Search, State, Trial } from "./search";

const AT_LEAST = new Set(["speedup", "throughput"]);
const MOST_CHOICES = 6;
type Compared = NonNullable<RecipeTrial["comparison"]>;

/** The figures that every measured recipe has, by name. */
const FIGURES: Record<
  string,
  Omit<Axis, "name" | "limit" | "log" | "plain"> & { of(compared: Compared): number | null }
> = {
  latency: {
    label: "latency, median",
    better: "less",
    written: duration,
    of: (compared) => compared.optimized.latency.p50_ms,
  },
  p95: {
    label: "latency, 95th percentile",
    better: "less",
    written: duration,
    of: (compared) => compared.optimized.latency.p95_ms,
  },
  speedup: { label: "speedup", better: "more", written: (value) => ratio(value), of: (one) => one.speedup },
  throughput: {
    label: "throughput",
    better: "more",
    written: (value) => `${number(value)} samples/s`,
    of: (compared) => compared.optimized.latency.throughput_per_s,
  },
  size: { label: "size", better: "less", written: dataSize, of: (compared) => compared.optimized.size_bytes },
  memory: {
    label: "memory",
    better: "less",
    written: dataSize,
    of: (compared) => compared.optimized.memory.steady_bytes,
  },
  relative_error: {
    label: "relative error of the outputs",
    better: "less",
    written: share,
    of: (compared) => compared.agreement?.relative_error ?? null,
  },
};

/** What is better to tell apart by ratios. */
const BY_RATIOS = new Set(["latency", "p95", "throughput"]);

const WORDS: Record<RecipeTrial["status"], string> = {
  kept: "kept",
  rejected: "not taken",
  failed: "failed",
  skipped: "skipped",
};

/** Returns a search over recipes as its views draw it; `best` is the trial that is best so far while it runs. */
export function tuningSearch(report: Tuning, best: number | null = report.winner): Search {
  const compared = report.trials.flatMap((trial) => trial.comparison ?? []);
  const metrics = [...new Set(compared.flatMap((one) => one.quality.map((row) => row.metric)))];
  const axes = [...metrics.map((metric) => metricAxis(metric, compared)), ...figureAxes(report, compared)];
  const choices = chosenFrom(report.trials);
  const known = new Set(axes.map((axis) => axis.name));
  const across = known.has(report.objective) ? report.objective : "latency";
  const ended = report.reason !== UNDER_WAY;
  return {
    title: `${report.verb} of ${report.model}`,
    verdict: ended ? verdictOf(report) : "",
    trials: report.trials.map((trial) => trialOf(trial, axes, choices, best)),
    axes,
    choices: choices.map((name) => ({ name, log: false })),
    across,
    up:
      axes.find((axis) => axis.name.startsWith("metric:"))?.name ??
      (known.has("relative_error") ? "relative_error" : "size"),
    best,
    original: originalOf(compared, axes),
    constraints: [report.quality_rule, ...report.constraints],
    noun: "recipe",
    study: report.study,
  };
}

/** What a report says as its reason while its search runs. */
export const UNDER_WAY = "the search is under way";

function verdictOf(report: Tuning): string {
  const words = {
    improved: "Improved",
    kept_original: "Kept the original",
    infeasible: "Infeasible",
    applied: "Applied",
    estimated: "Estimated",
  };
  return `${words[report.verdict]}: ${report.reason}`;
}

function metricAxis(metric: string, compared: Compared[]): Axis {
  const row = compared.flatMap((one) => one.quality).find((one) => one.metric === metric);
  const higher = row?.higher_is_better ?? true;
  const limit =
    row === undefined
      ? null
      : {
          value: higher ? row.original - row.allowed_drop : row.original + row.allowed_drop,
          bound: higher ? ("at least" as const) : ("at most" as const),
        };
  return {
    name: `metric:${metric}`,
    label: metric,
    better: higher ? "more" : "less",
    written: (value) => number(value, 4),
    plain: true,
    limit,
    log: false,
  };
}

function figureAxes(report: Tuning, compared: Compared[]): Axis[] {
  return Object.entries(FIGURES)
    .filter(([, figure]) => compared.length === 0 || compared.some((one) => figure.of(one) !== null))
    .map(([name, { label, better, written }]) => {
      const limit = report.limits.find((one) => one.kind === name);
      return {
        name,
        label,
        better,
        written,
        plain: false,
        limit: limit ? { value: limit.value, bound: AT_LEAST.has(name) ? "at least" : "at most" } : null,
        log: BY_RATIOS.has(name),
      };
    });
}

function figuresOf(compared: Compared): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [name, figure] of Object.entries(FIGURES)) {
    const value = figure.of(compared);
    if (value !== null && Number.isFinite(value)) figures[name] = value;
  }
  for (const row of compared.quality) figures[`metric:${row.metric}`] = row.optimized;
  return figures;
}

/** The original's figures: the middle one of all comparisons, since it was timed anew beside each trial. */
function originalOf(compared: Compared[], axes: Axis[]): Record<string, number> | null {
  if (compared.length === 0) return null;
  const rows = compared.map((one) => ({
    ...figuresOf({ ...one, optimized: one.original, speedup: 1, agreement: null, quality: [] }),
    ...(one.agreement ? { relative_error: 0 } : {}),
    ...Object.fromEntries(one.quality.map((row) => [`metric:${row.metric}`, row.original])),
  })) as Record<string, number>[];
  const found: Record<string, number> = {};
  for (const { name } of axes) {
    const values = rows.flatMap((row) => row[name] ?? []).sort((a, b) => a - b);
    const middle = values[Math.floor(values.length / 2)];
    if (middle !== undefined) found[name] = middle;
  }
  return found;
}

function trialOf(trial: RecipeTrial, axes: Axis[], choices: string[], best: number | null): Trial {
  const compared = trial.comparison;
  const figures = compared ? figuresOf(compared) : {};
  const settings = Object.fromEntries(
    trial.recipe.steps.map((step) => [step.technique, settingOf(step.config)]),
  );
  return {
    number: trial.number,
    title: trial.recipe.title,
    state: stateOf(trial, figures, axes),
    word: trial.number === best ? "best" : WORDS[trial.status],
    reason: trial.reason,
    figures,
    choices: Object.fromEntries(choices.map((name) => [name, settings[name] ?? "–"])),
    seconds: trial.wall_s || null,
    notes: trial.notes,
  };
}

function stateOf(trial: RecipeTrial, figures: Record<string, number>, axes: Axis[]): State {
  if (trial.status === "kept") return "good";
  if (trial.status === "failed" || trial.status === "skipped") return trial.status;
  if (trial.comparison === null || trial.comparison.quality_held === false) return "outside";
  return axes.some((axis) => breaks(axis, figures[axis.name])) ? "outside" : "good";
}

/** Whether a figure is on the wrong side of its limit. */
export function breaks(axis: Axis, value: number | undefined): boolean {
  if (axis.limit === null || value === undefined) return false;
  return axis.limit.bound === "at most" ? value > axis.limit.value : value < axis.limit.value;
}

/** The configuration of a step in a word or two; what is empty or off is as it comes. */
function settingOf(config: Record<string, unknown>): string {
  const words = Object.entries(config).flatMap(([name, value]) => {
    if (value === null || value === false || value === "" || value === true)
      return value === true ? name : [];
    if (typeof value === "string") return value;
    if (Array.isArray(value)) return value.length ? `${name} ${value.join(" ")}` : [];
    return `${name} ${JSON.stringify(value)}`;
  });
  return words.join(", ") || "yes";
}

/** The techniques that some trials have and others have not, or have otherwise; the most frequent first. */
function chosenFrom(trials: RecipeTrial[]): string[] {
  const counts = new Map<string, number>();
  for (const trial of trials) {
    for (const step of trial.recipe.steps) counts.set(step.technique, (counts.get(step.technique) ?? 0) + 1);
  }
  const order = [...counts].sort(([, a], [, b]) => b - a);
  return order.slice(0, MOST_CHOICES).map(([name]) => name);
}

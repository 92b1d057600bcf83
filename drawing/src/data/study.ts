import type { Setting, Study, StudyTrial } from "../reports/study";
import { count, duration, number } from "./numbers";
import type { Axis, Search, State, Trial } from "./search";

const LIMIT = /^(.*\S)\s*(<=|>=|<|>)\s*([-+0-9.eE]+)$/;

const STATES: Record<StudyTrial["state"], [State, string]> = {
  complete: ["good", "complete"],
  stopped_early: ["skipped", "stopped early"],
  failed: ["failed", "failed"],
  interrupted: ["unfinished", "interrupted"],
  running: ["unfinished", "running"],
  waiting: ["unfinished", "waiting"],
};

/** The axis along which trials stand in the order in which they were made. */
export const ORDER = "trial";

/** Returns a study as its views draw it. */
export function studySearch(report: Study, best: number | null = report.best): Search {
  const limits = new Map(report.constraints.flatMap(limitOf));
  const goals = report.goals.map(({ name, direction }): Axis => {
    const better = direction === "maximize" ? "more" : "less";
    return {
      name: `goal:${name}`,
      label: name,
      better,
      written: figure,
      plain: true,
      limit: limits.get(name) ?? null,
      log: false,
    };
  });
  const named = new Set(report.goals.map((goal) => goal.name));
  const others = [...new Set(report.trials.flatMap((trial) => Object.keys(trial.figures ?? {})))]
    .filter((name) => !named.has(name))
    .map((name): Axis => {
      const limit = limits.get(name) ?? null;
      const better = limit === null ? null : limit.bound === "at most" ? "less" : "more";
      return { name: `figure:${name}`, label: name, better, written: figure, plain: true, limit, log: false };
    });
  const order: Axis = {
    name: ORDER,
    label: "trial",
    better: null,
    written: (value) => String(value),
    plain: true,
    limit: null,
    log: false,
  };
  const time: Axis = {
    name: "seconds",
    label: "time of the trial",
    better: "less",
    written: (value) => duration(value * 1000),
    plain: false,
    limit: null,
    log: false,
  };
  const [first, second] = goals;
  return {
    title: `study ${report.name} of ${report.subject}`,
    verdict: report.stopped ? verdictOf(report, best) : "",
    trials: report.trials.map((trial) => trialOf(trial, report, best)),
    axes: [...goals, ...others, order, time],
    choices: report.knobs.map(({ name, log }) => ({ name, log })),
    across: second?.name ?? ORDER,
    up: first?.name ?? ORDER,
    best,
    original: null,
    constraints: report.constraints,
    noun: "setting",
    study: { name: report.name, earlier: report.earlier },
  };
}

const figure = (value: number): string => number(value, 4);

function verdictOf(report: Study, best: number | null): string {
  const ended = report.trials.filter(
    (trial) => !["running", "waiting", "interrupted"].includes(trial.state),
  ).length;
  const found = report.trials.find((trial) => trial.number === best);
  const words = `${count(ended)} ${ended === 1 ? "trial" : "trials"}; ${report.stopped}`;
  const value = found?.values[0];
  if (found === undefined || value === undefined) return words.charAt(0).toUpperCase() + words.slice(1);
  return `Best ${report.goals[0]?.name ?? "value"} ${figure(value)} (trial ${found.number}) in ${words}`;
}

function limitOf(words: string): [string, NonNullable<Axis["limit"]>][] {
  const [, name, sign, value] = LIMIT.exec(words) ?? [];
  if (name === undefined || sign === undefined || !Number.isFinite(Number(value))) return [];
  return [[name, { value: Number(value), bound: sign.startsWith("<") ? "at most" : "at least" }]];
}

function trialOf(trial: StudyTrial, report: Study, best: number | null): Trial {
  const figures: Record<string, number> = { [ORDER]: trial.number };
  if (trial.seconds !== null) figures.seconds = trial.seconds;
  const put = (name: string, value: number | undefined) => {
    if (value !== undefined && Number.isFinite(value)) figures[name] = value;
  };
  report.goals.forEach(({ name }, place) => {
    put(`goal:${name}`, trial.values[place] ?? trial.figures?.[name]);
  });
  for (const [name, value] of Object.entries(trial.figures ?? {})) put(`figure:${name}`, value);
  const over = Object.entries(trial.over ?? {}).filter(([, value]) => value > 0);
  const [state, word] = STATES[trial.state];
  const breaks = over.map(([name, value]) => `${name} is broken by ${figure(value)}`).join(" and ");
  return {
    number: trial.number,
    title: titleOf(trial.params),
    state: over.length ? "outside" : state,
    word: trial.number === best ? "best" : over.length ? "outside the constraints" : word,
    reason: breaks || trial.reason,
    figures,
    choices: trial.params,
    seconds: trial.seconds,
    notes: [],
  };
}

function titleOf(params: Record<string, Setting>): string {
  const words = Object.entries(params).map(([name, value]) => `${name} = ${settingWords(value)}`);
  return words.join(", ") || "no knobs";
}

/** A value of a knob as it is written. */
export function settingWords(value: Setting): string {
  return typeof value === "number" && !Number.isInteger(value) ? number(value, 4) : String(value);
}

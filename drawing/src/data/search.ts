/** A search of either kind, over recipes or for hyperparameters, in the one form that its views draw. */

import type { Setting } from "../reports/study";

/** How a trial ended, or that it has not. */
export type State = "good" | "outside" | "failed" | "skipped" | "unfinished";

/** One trial. */
export interface Trial {
  number: number;
  /** Its recipe, or the values of its knobs. */
  title: string;
  state: State;
  /** Its state in a word. */
  word: string;
  /** Why it is in that state. */
  reason: string;
  /** Its figures by the names of the axes; what was not measured is not there. */
  figures: Record<string, number>;
  /** What was chosen for it, by the names of the choices. */
  choices: Record<string, Setting>;
  seconds: number | null;
  notes: string[];
}

/** A figure by which trials are placed. */
export interface Axis {
  name: string;
  label: string;
  better: "less" | "more" | null;
  written(value: number): string;
  /** Whether the figure has no unit, so that its ticks are plain numbers. */
  plain: boolean;
  /** What has to be kept to. */
  limit: { value: number; bound: "at most" | "at least" } | null;
  log: boolean;
}

/** Something that is chosen anew for each trial. */
export interface Choice {
  name: string;
  log: boolean;
}

/** The whole of a search. */
export interface Search {
  title: string;
  /** What came of it, or why it ended; empty while it runs. */
  verdict: string;
  trials: Trial[];
  axes: Axis[];
  choices: Choice[];
  /** Names of the axes that are drawn first. */
  across: string;
  up: string;
  best: number | null;
  /** What the trials are held against, by the names of the axes; null where there is no such thing. */
  original: Record<string, number> | null;
  constraints: string[];
  /** What a trial is called. */
  noun: "recipe" | "setting";
  /** The study that keeps its trials; null where none does. */
  study: { name: string; earlier: number } | null;
}

/** How each state is said, with a sign that tells it apart without colour. */
export const SIGNS: Record<State, string> = {
  good: "✓",
  outside: "•",
  failed: "✗",
  skipped: "–",
  unfinished: "…",
};

/** The order of trials along an axis, for moving from one to the next; those without a place come last. */
export function inOrder(trials: readonly Trial[], axis: string): Trial[] {
  const place = (trial: Trial) => trial.figures[axis] ?? Number.POSITIVE_INFINITY;
  return [...trials].sort((a, b) => place(a) - place(b) || a.number - b.number);
}

/** Why the last trial that was measured or failed is not the best; null where there is none. */
export function lastRejected(trials: readonly Trial[]): Trial | null {
  return trials.findLast((trial) => trial.state === "outside" || trial.state === "failed") ?? null;
}

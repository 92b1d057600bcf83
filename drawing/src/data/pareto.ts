import type { Axis, Trial } from "./search";

/** A trial at its place, or the original. */
export interface Point {
  number: number | null;
  x: number;
  y: number;
}

/** How much better a value is than another on an axis: above 0 is better. */
function gain(axis: Axis, value: number, other: number): number {
  return axis.better === "more" ? value - other : other - value;
}

/**
 * The points that no other beats in both figures, in the order of the first. Trials that break a limit are left out;
 * an axis of which neither more nor less is better has no front.
 */
export function front(trials: readonly Trial[], original: Point | null, across: Axis, up: Axis): Point[] {
  if (across.better === null || up.better === null || across.name === up.name) return [];
  const points: Point[] = original === null ? [] : [original];
  for (const trial of trials) {
    const x = trial.figures[across.name];
    const y = trial.figures[up.name];
    if (trial.state === "good" && x !== undefined && y !== undefined)
      points.push({ number: trial.number, x, y });
  }
  // best across first; of equals the one that is better up
  points.sort((a, b) => gain(across, b.x, a.x) || gain(up, b.y, a.y));
  const kept: Point[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (last === undefined || gain(up, point.y, last.y) > 0) kept.push(point);
  }
  return kept.sort((a, b) => a.x - b.x);
}

/** The best value up to each trial, in the order in which they were made: where each step begins, and how high it is. */
export function bestSoFar(trials: readonly Trial[], axis: Axis): { number: number; value: number }[] {
  const steps: { number: number; value: number }[] = [];
  for (const trial of trials) {
    const value = trial.figures[axis.name];
    if (trial.state !== "good" || value === undefined) continue;
    const last = steps.at(-1);
    if (last === undefined || gain(axis, value, last.value) > 0) steps.push({ number: trial.number, value });
  }
  return steps;
}

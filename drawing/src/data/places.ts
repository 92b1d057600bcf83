import { scaleLinear, scaleLog } from "d3-scale";
import type { Setting } from "../reports/study";
import { count, number } from "./numbers";
import type { Axis } from "./search";
import { settingWords } from "./study";

/** Where values stand along one side of a drawing, 0 to 1, and what is written beside it. */
export interface Scale {
  at(value: number): number;
  ticks: { at: number; words: string }[];
}

/** Returns where the values of an axis stand, with some room at both ends, and room for its limit. */
export function scaleOf(axis: Axis, values: readonly number[], ticks = 5): Scale {
  const known = values.filter((value) => Number.isFinite(value));
  if (axis.limit && known.length) known.push(axis.limit.value);
  const low = known.length ? Math.min(...spread(known, Math.min)) : 0;
  const high = known.length ? Math.max(...spread(known, Math.max)) : 1;
  const byRatios = axis.log && low > 0 && high / low > 3;
  const scale = byRatios
    ? scaleLog().domain([low / 1.15, high * 1.15])
    : scaleLinear().domain(
        low === high ? [low - 0.5, high + 0.5] : [low - 0.06 * (high - low), high + 0.06 * (high - low)],
      );
  const whole = axis.plain && known.every(Number.isInteger);
  const marks = apart(
    scale.ticks(ticks).filter((at) => !whole || Number.isInteger(at)),
    scale,
    0.8 / ticks,
  );
  const written = whole ? count : axis.plain ? scale.tickFormat(ticks) : axis.written;
  return {
    at: (value) => scale(value),
    ticks: marks.map((at) => ({ at: scale(at), words: written(at) })),
  };
}

/** One value of many: spreading a long list over a call's arguments overflows the stack. */
function spread(values: number[], pick: (a: number, b: number) => number): number[] {
  return values.length ? [values.reduce((a, b) => pick(a, b))] : [];
}

/** Leaves out ticks that stand too near to the one before: a logarithmic scale gives more than were asked for. */
function apart(ticks: number[], scale: (value: number) => number, least: number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (last === undefined || scale(tick) - scale(last) >= least) kept.push(tick);
  }
  return kept;
}

/** Where the settings of one choice stand along its axis, 0 to 1; null for a trial without one. */
export interface Ladder {
  name: string;
  places: (number | null)[];
  rungs: { at: number; words: string }[];
}

const MOST_RUNGS = 12;

/** Returns where settings stand: numbers by their size, other things one above the other. */
export function ladder(name: string, settings: readonly (Setting | undefined)[], log: boolean): Ladder {
  const known = settings.filter((value): value is Setting => value !== undefined && value !== null);
  const numbers = known.filter(
    (value): value is number => typeof value === "number" && Number.isFinite(value),
  );
  if (numbers.length === known.length && new Set(numbers).size > 1) {
    const low = numbers.reduce((a, b) => Math.min(a, b));
    const high = numbers.reduce((a, b) => Math.max(a, b));
    const scale = log && low > 0 ? scaleLog([low, high], [0, 1]) : scaleLinear([low, high], [0, 1]);
    const whole = numbers.every(Number.isInteger);
    const between = log && low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
    const rungs = [low, whole ? Math.round(between) : between, high].map((value) => ({
      at: scale(value),
      words: whole ? count(value) : number(value),
    }));
    return {
      name,
      places: settings.map((value) => (typeof value === "number" ? scale(value) : null)),
      rungs,
    };
  }
  const options = [...new Set(known.map(settingWords))].sort();
  const last = Math.max(options.length - 1, 1);
  const at = new Map(options.map((words, place) => [words, options.length === 1 ? 0.5 : place / last]));
  const shown = options.length <= MOST_RUNGS ? options : [];
  return {
    name,
    places: settings.map((value) =>
      value === undefined || value === null ? null : (at.get(settingWords(value)) ?? null),
    ),
    rungs: shown.map((words) => ({ at: at.get(words) ?? 0, words })),
  };
}

import type { Exploration, Explored, Knob, KnobValue, Setting } from "../reports/exploration";
import { dataSize, duration, number, ratio, share } from "./numbers";

/** A figure by which the map is coloured. */
export interface Figure {
  name: string;
  label: string;
  of(explored: Explored): number | null;
  written(value: number): string;
  /** How much better than the model as it is: above 1 is better; null where that cannot be said. */
  factor(explored: Explored): number | null;
}

export const FIGURES: Figure[] = [
  {
    name: "speedup",
    label: "speedup",
    of: (one) => one.comparison?.speedup ?? null,
    written: (value) => ratio(value),
    factor: (one) => one.comparison?.speedup ?? null,
  },
  {
    name: "latency",
    label: "latency, median",
    of: (one) => one.comparison?.optimized.latency.p50_ms ?? null,
    written: duration,
    factor: (one) => one.comparison?.speedup ?? null,
  },
  {
    name: "throughput",
    label: "samples a second",
    of: (one) => one.comparison?.optimized.latency.throughput_per_s ?? null,
    written: (value) => number(value),
    factor: (one) => one.comparison?.speedup ?? null,
  },
  {
    name: "size",
    label: "size",
    of: (one) => one.comparison?.optimized.size_bytes ?? null,
    written: dataSize,
    factor: (one) => (one.comparison ? 1 / one.comparison.size_ratio : null),
  },
  {
    name: "error",
    label: "error of the outputs",
    of: (one) => one.comparison?.agreement?.relative_error ?? null,
    written: share,
    factor: () => null,
  },
];

/** The setting in which nothing is turned. */
export function given(knobs: readonly Knob[]): Setting {
  return Object.fromEntries(knobs.map((knob) => [knob.name, knob.given]));
}

/** A text that is the same for the same setting. */
export function keyOf(setting: Setting, knobs: readonly Knob[]): string {
  return JSON.stringify(knobs.map((knob) => setting[knob.name] ?? knob.given));
}

/** What was measured, by setting. */
export function measured(report: Exploration): Map<string, Explored> {
  return new Map(report.settings.map((one) => [keyOf(one.setting, report.knobs), one]));
}

/** One place of the map. */
export interface Place {
  setting: Setting;
  row: KnobValue;
  column: KnobValue;
  /** Why it cannot be had here; empty where it may. */
  refused: string;
  explored: Explored | undefined;
}

/** The map over two knobs, row by row, the other knobs as they are turned. */
export function placesOf(report: Exploration, turned: Setting, down: Knob, across: Knob): Place[][] {
  const known = measured(report);
  return down.values.map((row) =>
    across.values.map((column) => {
      const setting = { ...turned, [down.name]: row, [across.name]: column };
      const refused = refusal(down, row) || refusal(across, column);
      return { setting, row, column, refused, explored: known.get(keyOf(setting, report.knobs)) };
    }),
  );
}

/** Why a value cannot be had here; empty where it can. */
export function refusal(knob: Knob, value: KnobValue): string {
  return Object.hasOwn(knob.refused, String(value)) ? (knob.refused[String(value)] ?? "") : "";
}

/** A value of a knob as it is written. */
export function valueWords(knob: Knob, value: KnobValue): string {
  return knob.name === "sparsity" && typeof value === "number" ? share(value) : String(value);
}

/** How strong the colour of a factor is, -1 (ten times worse) to 1 (ten times better). */
export function strength(factor: number | null): number {
  if (factor === null || !(factor > 0)) return 0;
  return Math.max(-1, Math.min(1, Math.log10(factor)));
}

/** The figures that two reports have in common, from their JSON alone. */

import { count, dataSize, duration, flops, number, ratio, share } from "@tauto/drawing";

/** One figure of two reports. */
export interface Row {
  name: string;
  one: string;
  other: string;
  /** The second over the first, where that says something. */
  against: string;
}

type Json = Record<string, unknown>;
type Written = (value: number) => string;

/** Where a figure stands, what it is called, how it is written; and whether a ratio of two of them says something. */
type Figure = [path: string, name: string, written: Written, ratio: boolean];

const COMPARED: Figure[] = [
  ["speedup", "Speedup", ratio, false],
  ["original.latency.p50_ms", "Latency before, p50", duration, true],
  ["optimized.latency.p50_ms", "Latency after, p50", duration, true],
  ["optimized.latency.p95_ms", "Latency after, p95", duration, true],
  ["optimized.latency.throughput_per_s", "Throughput after, a second", number, true],
  ["optimized.size_bytes", "Size after", dataSize, true],
  ["optimized.memory.steady_bytes", "Memory after, steady", dataSize, true],
  ["preparation_s", "Preparation", (value) => duration(value * 1000), true],
];

const FIGURES: Record<string, Figure[]> = {
  profile: [
    ["wall_ms", "Time", duration, true],
    ["steps.p50_ms", "A step, p50", duration, true],
    ["flops", "Work", flops, true],
    ["peak_bytes", "Memory at the peak", dataSize, true],
    ["allocated_bytes", "Memory allocated in all", dataSize, true],
  ],
  comparison: COMPARED,
  tuning: [
    ...COMPARED.map(([path, ...rest]): Figure => [`confirmed.${path}`, ...rest]),
    ["wall_s", "The search took", (value) => duration(value * 1000), true],
  ],
  fix: [
    ["speedup", "Speedup", ratio, false],
    ["wall_s", "The trial took", (value) => duration(value * 1000), true],
  ],
  summary: [
    ["latency.p50_ms", "Latency, p50", duration, true],
    ["flops", "Work", flops, true],
    ["parameters", "Parameters", count, true],
    ["size_bytes", "Size", dataSize, true],
    ["share_of_ceiling", "Share of the ceiling", share, false],
  ],
};

/** Returns the figures that both reports have, in order; none where they have nothing in common. */
export function commonFigures(one: Json, other: Json): Row[] {
  const names = new Map(figures(other).map((figure) => [figure.name, figure]));
  return figures(one).flatMap((mine) => {
    const theirs = names.get(mine.name);
    if (theirs === undefined) return [];
    const tells = mine.tells && mine.value > 0;
    const against = tells ? `${number(theirs.value / mine.value)}×` : "";
    return [{ name: mine.name, one: mine.text, other: theirs.text, against }];
  });
}

interface Found {
  name: string;
  value: number;
  text: string;
  tells: boolean;
}

function figures(json: Json): Found[] {
  const kind = String(json.kind);
  const list = Object.hasOwn(FIGURES, kind) ? (FIGURES[kind] ?? []) : [];
  return list.flatMap(([path, name, written, tells]) => {
    const value = at(json, path);
    return typeof value === "number" ? [{ name, value, text: written(value), tells }] : [];
  });
}

function at(json: Json, path: string): unknown {
  let value: unknown = json;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Json)[part];
  }
  return value;
}

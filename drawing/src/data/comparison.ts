import { scaleLinear, scaleLog } from "d3-scale";
import { type Comparison, type Conditions, type Latency, QUANTILES } from "../reports/comparison";
import { count, dataSize, duration, number, plural, ratio, share, UNKNOWN } from "./numbers";

const SHARES = ["accuracy", "precision", "recall", "f1", "auc", "top1", "top5", "top-1", "top-5", "iou"];

function isShare(name: string): boolean {
  return SHARES.some((word) => name.toLowerCase().includes(word));
}

/** A quality figure; as a percentage when its name says that it is a share of one. */
export function metric(name: string, value: number): string {
  return value >= 0 && value <= 1 && isShare(name) ? `${(value * 100).toFixed(1)} %` : number(value, 4);
}

/** The size of a change of a figure: in points of a percentage where that is its unit. */
export function metricChange(name: string, value: number): string {
  const size = Math.abs(value);
  return isShare(name) && size <= 1 ? `${(size * 100).toFixed(2)} points` : number(size, 2);
}

/** What became of a quantity: `+12 %`, `−3.1 %`, `4.20× as much`, `unchanged`. */
export function change(one: number | null, other: number | null): string {
  if (one === null || other === null || one <= 0) return UNKNOWN;
  const part = other / one - 1;
  if (Math.abs(part) < 0.0005) return "unchanged";
  if (other / one >= 3) return `${ratio(other / one)} as much`;
  return `${part > 0 ? "+" : "−"}${share(Math.abs(part))}`;
}

/** One quantity of both sides. */
export interface ChangeRow {
  name: string;
  original: number | null;
  optimized: number | null;
  write(value: number | null): string;
  change: string;
}

/** Returns what is compared, speed first. */
export function changeRows({ original, optimized, quality }: Comparison): ChangeRow[] {
  const row = (
    name: string,
    pick: (side: Comparison["original"]) => number | null,
    write: (value: number | null) => string,
  ): ChangeRow => {
    const [one, other] = [pick(original), pick(optimized)];
    return { name, original: one, optimized: other, write, change: change(one, other) };
  };
  const rate = (value: number | null) => (value === null ? UNKNOWN : `${number(value)} /s`);
  return [
    row("Latency, median (p50)", (side) => side.latency.p50_ms, duration),
    row("Latency, 95th percentile (p95)", (side) => side.latency.p95_ms, duration),
    row("Throughput, samples", (side) => side.latency.throughput_per_s, rate),
    row("Size to ship", (side) => side.size_bytes, dataSize),
    row("Parameters", (side) => side.parameters, count),
    row("Memory, steady", (side) => side.memory.steady_bytes, dataSize),
    row("Memory, peak while preparing", (side) => side.memory.peak_preparing_bytes, dataSize),
    ...quality.map((one) => ({
      name: `${one.metric} (${one.higher_is_better ? "higher" : "lower"} is better)`,
      original: one.original,
      optimized: one.optimized,
      write: (value: number | null) => (value === null ? UNKNOWN : metric(one.metric, value)),
      change: drop(one),
    })),
  ];
}

function drop({ metric: name, drop: lost, allowed_drop, held }: Comparison["quality"][number]): string {
  const verdict = held ? "held" : "not held";
  if (lost === 0) return `unchanged: ${verdict}`;
  if (lost < 0) return `${metricChange(name, lost)} better: ${verdict}`;
  return `${metricChange(name, lost)} worse, ${metricChange(name, allowed_drop)} allowed: ${verdict}`;
}

/** The verdict in one line: `Faster: 2.31× (2.25–2.37), 3.90× smaller`. */
export function headline({ verdict, speedup, speedup_interval, size_ratio }: Comparison): string {
  const words = {
    better: "Faster",
    same: "No difference in speed that could be shown",
    worse: "Slower",
  }[verdict];
  const size =
    size_ratio > 0 && size_ratio < 0.98
      ? `, ${ratio(1 / size_ratio)} smaller`
      : size_ratio > 1.02
        ? `, ${ratio(size_ratio)} the size`
        : "";
  return `${words}: ${ratio(speedup, speedup_interval)}${size}`;
}

/** A share of the calls, and within which time it ended on each side. */
export interface QuantilePair {
  share: number;
  original: number;
  optimized: number;
}

/** Returns the distributions of both sides; nothing where a report of before has none. */
export function quantilePairs(original: Latency, optimized: Latency): QuantilePair[] {
  const both = [original.quantiles_ms, optimized.quantiles_ms];
  if (both.some((values) => values.length !== QUANTILES.length)) return [];
  return QUANTILES.map((part, index) => ({
    share: part,
    original: original.quantiles_ms[index] ?? Number.NaN,
    optimized: optimized.quantiles_ms[index] ?? Number.NaN,
  }));
}

/** A few slow calls would press all others against the edge: times are drawn by their ratios then. */
const LONG_TAIL = 20;

/** Where times stand along an axis from 0 to 1, with those that are written beside it: about `count` of them. */
export function timeScale(pairs: readonly QuantilePair[]) {
  const times = pairs.flatMap((pair) => [pair.original, pair.optimized]);
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
  if (fastest > 0 && slowest / fastest > LONG_TAIL) {
    const scale = scaleLog([fastest * 0.9, slowest * 1.1], [0, 1]);
    const powers = scale.ticks().filter((time) => Number.isInteger(Math.round(Math.log10(time) * 1e9) / 1e9));
    return { scale, ticks: (_: number) => powers };
  }
  const scale = scaleLinear([0, slowest * 1.03], [0, 1]);
  return { scale, ticks: (count: number) => scale.ticks(count) };
}

export function conditionFacts(conditions: Conditions): [string, string][] {
  const { machine, device, threads, shapes, batch, mode } = conditions;
  return [
    ["Machine", `${machine} (${device}, ${plural(threads, "thread")})`],
    ["Inputs", shapes.slice(0, 8).join(", ") || "none"],
    ["Batch", plural(batch, "sample")],
    ["Mode", mode],
  ];
}

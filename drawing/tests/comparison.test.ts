import { expect, test } from "vitest";
import { change, metric, quantilePairs, timeScale } from "../src/data/comparison";
import { errorWords, layersHeadline, size } from "../src/data/layers";
import { decades } from "../src/data/roofline";
import { type Latency, type Layers, QUANTILES } from "../src/reports/comparison";

const LATENCY: Latency = {
  p50_ms: 2,
  p95_ms: 3,
  calls: 9,
  blocks: 3,
  throughput_per_s: 1,
  p05_ms: 1,
  quantiles_ms: [],
};
const ERROR = { snr_db: 20, relative_error: 0.1, cosine: 1, max_abs_error: 1, changed: null, not_finite: 0 };

test("a change is told as the static report does", () => {
  expect([change(10, 11.2), change(10, 9.69), change(10, 42), change(10, 10), change(null, 1)]).toEqual([
    "+12 %",
    "−3.1 %",
    "4.20× as much",
    "unchanged",
    "–",
  ]);
  expect([metric("accuracy", 0.98125), metric("loss", 0.98125)]).toEqual(["98.1 %", "0.9813"]);
});

test("a report of before has no distribution, and then none is drawn", () => {
  const quantiles_ms = QUANTILES.map((part) => part * 10);
  expect(quantilePairs(LATENCY, { ...LATENCY, quantiles_ms })).toEqual([]);
  const pairs = quantilePairs({ ...LATENCY, quantiles_ms }, { ...LATENCY, quantiles_ms });
  expect(pairs[6]).toEqual({ share: 0.5, original: 5, optimized: 5 });
});

test("times are drawn by their ratios where a few slow calls would press all others against the edge", () => {
  const pair = (original: number) => ({ share: 0.5, original, optimized: 1 });
  const even = timeScale([pair(1), pair(3)]);
  expect([even.scale(0), even.ticks(4)[0]]).toEqual([0, 0]);
  const tail = timeScale([pair(0.5), pair(300)]);
  expect(tail.scale(1)).toBeGreaterThan(0.05);
  expect(tail.ticks(4)).toEqual([1, 10, 100]);
});

test("errors of layers are one figure each, and what is not finite says so", () => {
  expect([size(null), size(ERROR), size({ ...ERROR, relative_error: null, changed: 0.2 })]).toEqual([
    null,
    0.1,
    0.2,
  ]);
  expect(errorWords({ ...ERROR, not_finite: 1700 })).toBe("1,700 not finite");
  const report = { output: ERROR, closed: "", starts: "stem", worst: "head" } as Layers;
  expect(layersHeadline(report)).toBe(
    "The outputs differ by 10 % (SNR 20.0 dB); the error starts at stem, head adds most",
  );
});

test("a logarithmic axis ends at powers of ten around all values", () => {
  expect(decades([0.3, 42])).toEqual([0.1, 100]);
  expect(decades([])).toEqual([0.1, 10]);
  expect(decades([5, 5, 0])).toEqual([1, 10]);
});

import { expect, test } from "vitest";
import { EVERYTHING, filtered, sorted, valuesOf, when } from "../src/data/runs";
import type { Run } from "../src/reports/runs";

const run = (id: number, changes: Partial<Run> = {}): Run => ({
  id,
  created: `2026-11-2${id}T14:05:59+00:00`,
  verb: "autotune",
  model: "net",
  headline: "2.31× faster",
  verdict: "improved",
  fingerprint: "4f2a",
  machine: "Xeon",
  ...changes,
});

const RUNS = [
  run(3, { verb: "profile", verdict: "", headline: "backward pass takes 42 %" }),
  run(2, { model: "resnet", verdict: "kept_original" }),
  run(1),
];
const ids = (runs: readonly Run[]) => runs.map(({ id }) => id);

test("runs are found by all of the words, in whatever field, and by one model, verb or verdict", () => {
  expect(ids(filtered(RUNS, EVERYTHING))).toEqual([3, 2, 1]);
  expect(ids(filtered(RUNS, { ...EVERYTHING, words: "KEPT resnet" }))).toEqual([2]);
  expect(ids(filtered(RUNS, { ...EVERYTHING, words: "2026-11-21" }))).toEqual([1]);
  expect(ids(filtered(RUNS, { ...EVERYTHING, verb: "autotune", model: "net" }))).toEqual([1]);
  expect(ids(filtered(RUNS, { ...EVERYTHING, verdict: "kept_original" }))).toEqual([2]);
  expect(filtered(RUNS, { ...EVERYTHING, words: "nothing like it" })).toEqual([]);
});

test("runs alike in a column stay latest first, and numbers go by their size", () => {
  expect(ids(sorted(RUNS, "verb", false))).toEqual([2, 1, 3]);
  expect(ids(sorted(RUNS, "verb", true))).toEqual([3, 2, 1]);
  expect(ids(sorted([run(9), run(1), run(7)], "id", false))).toEqual([1, 7, 9]);
});

test("values to choose from stand once, without those that say nothing", () => {
  expect(valuesOf(RUNS, "verdict")).toEqual(["improved", "kept_original"]);
  expect(when(RUNS[0] as Run)).toBe("2026-11-23 14:05");
});

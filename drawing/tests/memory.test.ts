import { expect, test } from "vitest";
import { peakPlace, stacked, stretches } from "../src/data/memory";
import type { Memory } from "../src/reports/profile";

const MEMORY: Memory = {
  device: "cpu",
  times_ms: [0, 2, 100],
  categories: { activations: [0, 10, 5], parameters: [4, 4, 4], inputs: [0, 0, 0] },
  peak: {
    time_ms: 2,
    total_bytes: 14,
    by_category: { activations: 10, parameters: 4 },
    module: "net.fc",
    operator: "AddmmBackward0",
    line: "train.py:9",
    phase: "backward",
  },
  steps: 1,
  allocated_bytes_per_step: 0,
  freed_bytes_per_step: 0,
  growth_bytes_per_step: 0,
  growth_sites: [],
  sites: [],
  start_bytes: 0,
  windows: [0, 2],
  growth_steps: 0,
};

test("categories are stacked in their order, empty ones left out", () => {
  const { layers, totals } = stacked(MEMORY);
  expect(layers.map(({ category, low, high }) => [category, low, high])).toEqual([
    ["parameters", [0, 0, 0], [4, 4, 4]],
    ["activations", [4, 4, 4], [4, 14, 9]],
  ]);
  expect(totals).toEqual([4, 14, 9]);
});

test("nothing is drawn between two traced stretches", () => {
  expect(stretches(MEMORY)).toEqual([
    [0, 2],
    [2, 3],
  ]);
});

test("the peak says what made it, also where only the phase is known", () => {
  expect(peakPlace(MEMORY.peak)).toBe("backward, net.fc (AddmmBackward0), train.py:9");
  expect(peakPlace({ ...MEMORY.peak, module: "", operator: "", line: "" })).toBe("backward");
});

import { expect, test } from "vitest";
import { phaseParts } from "../src/data/phases";

test("phases stand in the order of a step, and their shares add up to the whole", () => {
  const parts = phaseParts([
    { name: "backward", calls: 4, total_ms: 30 },
    { name: "data", calls: 4, total_ms: 10 },
    { name: "loss", calls: 4, total_ms: 0 },
  ]);
  expect(parts.map((part) => [part.name, part.from, part.share])).toEqual([
    ["data", 0, 0.25],
    ["backward", 0.25, 0.75],
  ]);
});

import { expect, test } from "vitest";
import { dataSize, duration, number, plural, ratio, share } from "../src/data/numbers";

test("numbers are written as in the static reports", () => {
  expect([0.98217, 1234.5, 12, 0, null].map((value) => number(value))).toEqual([
    "0.982",
    "1,235",
    "12.0",
    "0",
    "–",
  ]);
  expect([0.4123, 3.417, 2412, 125_000].map(duration)).toEqual(["412 µs", "3.42 ms", "2.41 s", "2 min 5 s"]);
  expect([44_700_000, 512].map(dataSize)).toEqual(["44.7 MB", "512 B"]);
  expect([0.3614, 0.0321, 0.0002, 1].map(share)).toEqual(["36 %", "3.2 %", "<0.1 %", "100 %"]);
  expect(ratio(2.3114, { low: 2.2512, high: 2.3689 })).toBe("2.31× (2.25–2.37)");
  expect(ratio(16.5, { low: 0, high: 4_990_728 })).toBe("between under 0.01× and over 100×");
  expect(ratio(4817, { low: 162, high: 143_167 })).toBe("over 100×");
  expect(plural(2400, "call")).toBe("2,400 calls");
});

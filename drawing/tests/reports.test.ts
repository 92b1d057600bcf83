// @vitest-environment jsdom
import { expect, test } from "vitest";
import { reportView } from "../src";
import { read } from "../src/reports/reading";
import { fields, list, number, otherwise, text } from "../src/reports/shape";

const SHAPE = fields({ name: text, rows: list(fields({ ms: number })), extra: otherwise(number, 7) });
const GOOD = { kind: "toy", schema: 1, name: "a", rows: [{ ms: 1 }, { ms: "NaN" }] };

test("a report is read field by field, also numbers that JSON does not know", () => {
  const { report } = read(GOOD, "toy", SHAPE);
  expect(report).toEqual({ name: "a", rows: [{ ms: 1 }, { ms: Number.NaN }], extra: 7 });
});

test.each([
  ["cut short", { ...GOOD, rows: [{ ms: 1 }, {}] }, "rows[1].ms is not a number"],
  ["without a field", { kind: "toy", schema: 1, rows: [] }, "name is not a text"],
  ["of another kind", { ...GOOD, kind: "other" }, "It is no toy report."],
  ["newer", { ...GOOD, schema: 2 }, "newer TAuto"],
  ["no object", null, "It is no toy report."],
])("what is %s is refused in words", (_, json, words) => {
  const { report, refused } = read(json, "toy", SHAPE);
  expect(report).toBeUndefined();
  expect(refused).toContain(words);
});

test("nothing is drawn of a report that is not known", () => {
  const host = document.createElement("div");
  for (const json of [null, 3, {}, GOOD, { kind: "profile", schema: 1 }, { kind: "profile", schema: 9 }]) {
    expect(reportView(host, json)).toBeNull();
  }
  expect(host.childNodes).toHaveLength(0);
});

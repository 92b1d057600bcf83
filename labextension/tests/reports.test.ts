import { describe, expect, it } from "vitest";
import { commonFigures } from "../src/notebook/figures";
import { REPORT_MIME, reportsOf } from "../src/notebook/reports";

const TUNING =
  "Quantize of net\n✓ Improved: 3.41× faster (3.2–3.6×),\n  2.50× smaller\n\nConfirmed in a fresh process.";
const output = (json: unknown, text: unknown = TUNING) => ({ [REPORT_MIME]: json, "text/plain": text });

describe("reportsOf", () => {
  it("lists the reports in order with their verdicts, and where they stand", () => {
    const entries = reportsOf([
      { count: 1, outputs: [{ "text/plain": "3" }] },
      null,
      { count: 4, outputs: [output({ kind: "tuning", schema: 1 })] },
    ]);
    expect(entries).toMatchObject([
      {
        cell: 2,
        count: 4,
        title: "Quantize of net",
        headline: "Improved: 3.41× faster (3.2–3.6×), 2.50× smaller",
        tone: "good",
      },
    ]);
  });

  it("takes a report without words, of a newer schema, and nonsense as what they are", () => {
    const outputs = [
      output({ kind: "tuning", schema: 99 }, null),
      output("nonsense"),
      output(null),
      output([]),
    ];
    const entries = reportsOf([{ count: null, outputs }]);
    expect(entries).toMatchObject([{ title: "A tuning", headline: "of a newer TAuto", tone: "plain" }]);
  });

  it("joins text that is kept in lines", () => {
    const outputs = [
      output({ kind: "tuning", schema: 1 }, ["A title\n", "✗ Infeasible: too slow\n", "\n", "more"]),
    ];
    expect(reportsOf([{ count: 2, outputs }])).toMatchObject([
      { title: "A title", headline: "Infeasible: too slow", tone: "bad" },
    ]);
  });
});

describe("commonFigures", () => {
  const profile = (wall: number) => ({ kind: "profile", wall_ms: wall, peak_bytes: 2_000_000 });

  it("sets two profiles side by side", () => {
    expect(commonFigures(profile(400), profile(100))).toEqual([
      { name: "Time", one: "400 ms", other: "100 ms", against: "0.250×" },
      { name: "Memory at the peak", one: "2.00 MB", other: "2.00 MB", against: "1.00×" },
    ]);
  });

  it("finds what a comparison and a search have in common", () => {
    const measured = {
      speedup: 2,
      original: { latency: { p50_ms: 8 } },
      optimized: { latency: { p50_ms: 4 } },
    };
    const rows = commonFigures({ kind: "comparison", ...measured }, { kind: "tuning", confirmed: measured });
    expect(rows.map((row) => row.name)).toEqual(["Speedup", "Latency before, p50", "Latency after, p50"]);
  });

  it("has nothing for what is not known or not a figure", () => {
    expect(commonFigures({ kind: "constructor" }, profile(1))).toEqual([]);
    expect(commonFigures({ kind: "profile", wall_ms: "soon" }, profile(1))).toEqual([]);
    expect(commonFigures({ kind: "tuning", confirmed: null }, { kind: "tuning", confirmed: null })).toEqual(
      [],
    );
  });
});

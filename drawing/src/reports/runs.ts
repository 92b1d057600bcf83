import { type Read, read } from "./reading";
import { fields, list, number, type Of, otherwise, table, text } from "./shape";

/** Past runs as the store lists them: `tauto.reports.RunsReport`. */

const ROW = fields({
  id: number,
  created: text,
  verb: text,
  model: text,
  headline: text,
  verdict: text,
  fingerprint: text,
  machine: text,
});

const RUNS = fields({
  folder: text,
  rows: list(ROW),
  total: number,
  left_out: otherwise(table(number), {}),
});

export type Run = Of<typeof ROW>;
export type Runs = Of<typeof RUNS>;

/** Reads a list of runs from JSON, or says why it cannot be drawn. */
export const readRuns = (json: unknown): Read<Runs> => read(json, "runs", RUNS);

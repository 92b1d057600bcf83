import { LATENCY } from "./comparison";
import { FINDING, INTERVAL, VERDICT } from "./profile";
import { fields, flag, list, maybe, number, type Of, text, word } from "./shape";

const SIDE = fields({ step: LATENCY, warm_up_ms: number, peak_bytes: maybe(number), loss: maybe(number) });

/** The form of a fix that was tried, as `tauto.reports.FixReport` writes it. */
export const FIX = fields({
  subject: text,
  finding: FINDING,
  verdict: maybe(VERDICT),
  reason: text,
  objective: word("time", "memory"),
  unit: word("optimizer step", "model call", "run of the cell"),
  original: maybe(SIDE),
  fixed: maybe(SIDE),
  speedup: maybe(number),
  speedup_interval: maybe(INTERVAL),
  settled: flag,
  same_results: flag,
  notes: list(text),
  machine: text,
  device: text,
  threads: number,
  budget_s: number,
  wall_s: number,
});

export type FixReport = Of<typeof FIX>;

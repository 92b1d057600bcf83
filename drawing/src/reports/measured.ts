import { QUALITY } from "./sensitivity";
import { fields, flag, list, maybe, number, type Of, text, word } from "./shape";

/** What was measured of choices, as the kernel answers: where it stands, and the comparison once there is one. */

const SIDE = fields({ size_bytes: number, latency: fields({ p50_ms: number }) });

const COMPARISON = fields({
  original: SIDE,
  optimized: SIDE,
  speedup: number,
  speedup_interval: fields({ low: number, high: number }),
  size_ratio: number,
  quality_held: maybe(flag),
  quality_rule: text,
  agreement: maybe(fields({ cosine: number, relative_error: number, samples: number })),
  quality: list(QUALITY),
  settled: flag,
});

export const ANSWER = fields({
  number,
  state: word("idle", "running", "done", "failed", "stopped"),
  words: text,
  seconds: number,
  comparison: maybe(COMPARISON),
});

export type Answer = Of<typeof ANSWER>;
export type MeasuredComparison = Of<typeof COMPARISON>;

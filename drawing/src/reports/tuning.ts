import { INTERVAL, VERDICT } from "./profile";
import { type Read, read } from "./reading";
import { fields, flag, list, maybe, number, type Of, otherwise, type Shape, text, word } from "./shape";

/** The form of a search over recipes as `tauto.reports.TuningReport` writes it, as far as it is drawn. */

const MEASURED = fields({
  latency: fields({ p50_ms: number, p95_ms: number, throughput_per_s: number }),
  size_bytes: number,
  memory: fields({ steady_bytes: maybe(number) }),
});

const AGREEMENT = fields({ cosine: number, relative_error: number, same_answer: maybe(number) });

const QUALITY = fields({
  metric: text,
  original: number,
  optimized: number,
  drop: number,
  allowed_drop: number,
  higher_is_better: flag,
  held: flag,
});

const COMPARED = fields({
  original: MEASURED,
  optimized: MEASURED,
  speedup: number,
  speedup_interval: INTERVAL,
  size_ratio: number,
  memory_ratio: maybe(number),
  quality_held: maybe(flag),
  agreement: maybe(AGREEMENT),
  verdict: VERDICT,
  quality: otherwise(list(QUALITY), []),
});

/** The configuration of a step: whatever its technique takes. */
const config: Shape<Record<string, unknown>> = (value, place) =>
  fields({})(value, place) && { ...(value as object) };

export const RECIPE_TRIAL = fields({
  number,
  recipe: fields({ steps: list(fields({ technique: text, config })), title: text }),
  status: word("kept", "rejected", "failed", "skipped"),
  reason: text,
  comparison: maybe(COMPARED),
  preparation_s: maybe(number),
  wall_s: number,
  notes: otherwise(list(text), []),
});

export const LIMIT = fields({
  kind: word("speedup", "latency", "p95", "throughput", "memory", "size", "preparation", "relative_error"),
  value: number,
});

export const TUNING = fields({
  verb: text,
  model: text,
  verdict: word("improved", "kept_original", "infeasible", "applied", "estimated"),
  reason: text,
  objective: word("latency", "throughput", "memory", "size"),
  quality_rule: text,
  trials: list(RECIPE_TRIAL),
  winner: maybe(number),
  constraints: otherwise(list(text), []),
  limits: otherwise(list(LIMIT), []),
  budget_s: maybe(number),
  interrupted: otherwise(flag, false),
  ended: otherwise(text, ""),
  study: maybe(fields({ name: text, storage: text, earlier: otherwise(number, 0) })),
});

export type Tuning = Of<typeof TUNING>;
export type RecipeTrial = Of<typeof RECIPE_TRIAL>;

/** Reads a search over recipes from JSON, or says why it cannot be drawn. */
export function readTuning(json: unknown): Read<Tuning> {
  return read(json, "tuning", TUNING);
}

import { INTERVAL, VERDICT } from "./profile";
import { fields, flag, list, maybe, number, type Of, otherwise, text, word } from "./shape";

/** The forms of two variants that were compared, as `tauto.reports.Comparison` and `LayersReport` write them. */

/** Shares of the calls at which a latency's `quantiles_ms` are told. */
export const QUANTILES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

export const LATENCY = fields({
  p50_ms: number,
  p95_ms: number,
  calls: number,
  blocks: number,
  throughput_per_s: number,
  p05_ms: maybe(number),
  quantiles_ms: otherwise(list(number), []),
});

const MEASUREMENT = fields({
  name: text,
  latency: LATENCY,
  size_bytes: number,
  parameters: number,
  memory: fields({
    steady_bytes: maybe(number),
    peak_preparing_bytes: maybe(number),
    reason: otherwise(text, ""),
  }),
});

export const CONDITIONS = fields({
  machine: text,
  device: text,
  threads: number,
  shapes: list(text),
  batch: number,
  mode: otherwise(text, ""),
});

export const COMPARISON = fields({
  original: MEASUREMENT,
  optimized: MEASUREMENT,
  conditions: CONDITIONS,
  speedup: number,
  speedup_interval: INTERVAL,
  size_ratio: number,
  memory_ratio: maybe(number),
  quality_drop: maybe(number),
  quality_held: maybe(flag),
  quality_rule: text,
  agreement: maybe(
    fields({ cosine: number, relative_error: number, same_answer: maybe(number), samples: number }),
  ),
  verdict: VERDICT,
  settled: flag,
  preparation_s: maybe(number),
  break_even_calls: maybe(number),
  quality: otherwise(
    list(
      fields({
        metric: text,
        original: number,
        optimized: number,
        drop: number,
        allowed_drop: number,
        higher_is_better: flag,
        held: flag,
      }),
    ),
    [],
  ),
});

export type Comparison = Of<typeof COMPARISON>;
export type Measurement = Comparison["original"];
export type Latency = Measurement["latency"];
export type Conditions = Comparison["conditions"];

export const ERROR = fields({
  snr_db: maybe(number),
  relative_error: maybe(number),
  cosine: maybe(number),
  max_abs_error: maybe(number),
  changed: maybe(number),
  not_finite: number,
});

export const LAYERS = fields({
  original: text,
  optimized: text,
  output: ERROR,
  rows: list(
    fields({
      path: text,
      kind: text,
      became: text,
      absorbed: list(text),
      calls: number,
      error: ERROR,
      own: maybe(ERROR),
      inherited: maybe(number),
      own_reason: otherwise(text, ""),
    }),
  ),
  unmatched: list(
    fields({ path: text, kind: text, side: word("original", "optimized", "both"), reason: text }),
  ),
  closed: text,
  starts: maybe(text),
  worst: maybe(text),
  samples: number,
  batches: number,
  conditions: CONDITIONS,
  left_out: otherwise(fields({ rows: otherwise(number, 0) }), { rows: 0 }),
});

export type Layers = Of<typeof LAYERS>;
export type LayerRow = Layers["rows"][number];

import { CONDITIONS, ERROR } from "./comparison";
import { type Read, read } from "./reading";
import { fields, flag, list, maybe, number, type Of, otherwise, table, text, word } from "./shape";

/** The form of an analysis of sensitivity: `tauto.reports.SensitivityReport`. */

const QUALITY = fields({
  metric: text,
  original: number,
  optimized: number,
  drop: number,
  allowed_drop: number,
  higher_is_better: flag,
  held: flag,
});

const ROW = fields({
  path: text,
  kind: text,
  error: maybe(ERROR),
  own: maybe(ERROR),
  quality: list(QUALITY),
  size_bytes: number,
  saved_bytes: number,
  work_share: maybe(number),
  time_saved: maybe(number),
  also: otherwise(list(text), []),
});

const SENSITIVITY = fields({
  model: text,
  bits: number,
  activations: word("static", "dynamic", "none"),
  rows: list(ROW),
  unmeasured: list(fields({ path: text, kind: text, reason: text })),
  together: maybe(ERROR),
  together_quality: list(QUALITY),
  quality_rule: text,
  evaluated: number,
  samples: number,
  batches: number,
  size_bytes: number,
  conditions: CONDITIONS,
  interrupted: otherwise(flag, false),
  left_out: otherwise(table(number), {}),
});

export type LayerError = Of<typeof ERROR>;
export type Quality = Of<typeof QUALITY>;
export type SensitivityRow = Of<typeof ROW>;
export type Sensitivity = Of<typeof SENSITIVITY>;

/** Reads an analysis from JSON, or says why it cannot be drawn. */
export const readSensitivity = (json: unknown): Read<Sensitivity> => read(json, "sensitivity", SENSITIVITY);

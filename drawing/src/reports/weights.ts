import { type Read, read } from "./reading";
import { fields, list, maybe, number, type Of, otherwise, table, text } from "./shape";

/** What the weights of a model are like: `tauto.reports.WeightsReport`. */

const ROW = fields({
  name: text,
  kind: text,
  dtype: text,
  shape: list(number),
  elements: number,
  not_finite: number,
  low: number,
  high: number,
  mean: number,
  deviation: number,
  excess_kurtosis: maybe(number),
  outliers: number,
  zeros: number,
  smallest_half: maybe(number),
  histogram: list(number),
  channels: maybe(number),
  dead_channels: number,
  int8_tensor_db: maybe(number),
  int8_channel_db: maybe(number),
});

const WEIGHTS = fields({
  model: text,
  elements: number,
  size_bytes: number,
  rows: list(ROW),
  skipped: otherwise(list(fields({ name: text, kind: text, reason: text })), []),
  left_out: otherwise(table(number), {}),
});

export type WeightRow = Of<typeof ROW>;
export type Weights = Of<typeof WEIGHTS>;

/** Reads an analysis of weights from JSON, or says why it cannot be drawn. */
export const readWeights = (json: unknown): Read<Weights> => read(json, "weights", WEIGHTS);

import { fields, list, maybe, number, type Of, text, word } from "./shape";

/** What each layer may become, and what each choice is expected to do: `tauto.reports.ChoicesReport`. */

export const PRECISIONS = ["float32", "bfloat16", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];
export const PRECISION = word(...PRECISIONS);

const LAYER = fields({
  path: text,
  kind: text,
  size_bytes: number,
  int8_bytes: number,
  bfloat16_bytes: number,
  weights: number,
  int8_noise: maybe(number),
  bfloat16_noise: maybe(number),
  zeros_noise: list(number),
  int8_drop: maybe(number),
  int8_time: maybe(number),
  bfloat16_time: maybe(number),
});

const ENGINE = fields({
  name: text,
  title: text,
  int8: list(text),
  bfloat16: list(text),
  lacking: text,
});

export const CHOICES = fields({
  model: text,
  size_bytes: number,
  shares: list(number),
  layers: list(LAYER),
  engines: list(ENGINE),
  noise_scale: number,
  drop_scale: maybe(number),
  metric: text,
  allowed_drop: maybe(number),
});

export type Choices = Of<typeof CHOICES>;
export type LayerOption = Of<typeof LAYER>;
export type EngineOption = Of<typeof ENGINE>;

/** What one layer is to become. */
export interface Choice {
  precision: Precision;
  sparsity: number;
}
/** By the layers' names; one that is not there stays as it is. */
export type Chosen = Readonly<Record<string, Choice>>;

import { fields, list, number, type Of, otherwise, text } from "./shape";

/** One layer's weights before and after: `tauto.reports.WeightPicture`. */
export const PICTURE = fields({
  name: text,
  kind: text,
  shape_before: list(number),
  shape_after: list(number),
  low: number,
  high: number,
  before: list(number),
  after: list(number),
  zeros_before: number,
  zeros_after: number,
  pattern: otherwise(text, ""),
  corner: otherwise(list(text), []),
  tenths: otherwise(list(text), []),
});

export type Picture = Of<typeof PICTURE>;

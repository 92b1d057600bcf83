import type { LayerRow, Layers } from "../reports/comparison";
import { number, plural, share, UNKNOWN } from "./numbers";

/** A relative error up to this is what float32 rounds away. */
export const ROUNDING = 1e-5;

type LayerError = LayerRow["error"];

/** The one figure of an error: relative of floating-point values, else the share that changed. */
export function size(error: LayerError | null): number | null {
  if (error === null) return null;
  if (error.relative_error === null) return error.changed;
  return Math.max(error.relative_error, error.changed ?? 0);
}

/** A share of one that may be very small. */
export function part(value: number | null): string {
  if (value === null || !(value > 0 && value < 0.0995)) return share(value);
  return value > ROUNDING ? `${number(value * 100, 2)} %` : "<0.001 %";
}

export function decibels(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return number(value);
  return `${value.toFixed(1)} dB`.replace("-", "−");
}

export function errorWords(error: LayerError | null): string {
  if (error === null) return UNKNOWN;
  if (error.not_finite) return `${error.not_finite.toLocaleString("en-US")} not finite`;
  if (error.relative_error === null)
    return error.changed === null ? UNKNOWN : `${part(error.changed)} differ`;
  return part(size(error));
}

/** What a row is called, with what was folded into the layer. */
export const layerName = (row: LayerRow): string => [row.path, ...row.absorbed].join(" + ");

/** In one line how far the outputs are apart, and which layers start that and add most. */
export function layersHeadline(report: Layers): string {
  const { output, closed, starts, worst } = report;
  const apart = outputs(output);
  if (closed) return `${apart}; only the outputs could be compared`;
  if (starts === null || worst === null) return `${apart}; no layer adds an error above rounding`;
  if (starts === worst) return `${apart}; the error starts at ${starts}, which also adds most`;
  return `${apart}; the error starts at ${starts}, ${worst} adds most`;
}

function outputs(error: LayerError): string {
  if (error.not_finite) {
    return `NaN or infinity in one model alone, in ${plural(error.not_finite, "value")} of the outputs`;
  }
  const apart = size(error) ?? 0;
  if (apart === 0) return "The outputs are equal";
  if (error.relative_error === null) return `${part(error.changed)} of the values returned differ`;
  if (apart <= ROUNDING) return `The outputs are equal but for rounding (SNR ${decibels(error.snr_db)})`;
  return `The outputs differ by ${part(error.relative_error)} (SNR ${decibels(error.snr_db)})`;
}

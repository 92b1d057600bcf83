import type { LayerError, Quality, Sensitivity, SensitivityRow } from "../reports/sensitivity";
import { metricChange } from "./comparison";
import { decibels } from "./layers";
import { plural, share, UNKNOWN } from "./numbers";

/** Words of an analysis of sensitivity, as `tauto/rendering/sensitivity.py` writes them. */

/** What an error is in one figure. */
export function errorWords(error: LayerError | null): string {
  if (error === null) return UNKNOWN;
  if (error.snr_db !== null) return decibels(error.snr_db);
  return error.changed === null ? UNKNOWN : `${share(error.changed)} differ`;
}

/** How long a bar is: the relative error of the outputs, or the share of values that differ. */
export function errorSize(error: LayerError | null): number | null {
  return error === null ? null : (error.relative_error ?? error.changed);
}

/** `worse by 1.20 points (more than allowed)`. */
export function dropWords(metric: string, drop: number, held: boolean): string {
  if (drop === 0) return "unchanged";
  if (drop < 0) return `better by ${metricChange(metric, drop)}`;
  return `worse by ${metricChange(metric, drop)}${held ? "" : " (more than allowed)"}`;
}

/** The figure that is furthest beyond what is allowed. */
export function worst(quality: readonly Quality[]): Quality | null {
  let found: Quality | null = null;
  for (const one of quality) {
    if (found === null || one.drop - one.allowed_drop > found.drop - found.allowed_drop) found = one;
  }
  return found;
}

/** How a layer's own change of the figure is written in a table. */
export function qualityWords(row: SensitivityRow): string {
  const one = worst(row.quality);
  return one === null ? UNKNOWN : dropWords(one.metric, one.drop, one.held);
}

/** A layer's name as it stands in a sentence. */
export function layerName(path: string): string {
  if (path === "") return "the model itself";
  return /^[\d.]+$/.test(path) ? `layer ${path}` : path;
}

/** Which layer suffers most, and what all together do, in one line. */
export function headline(report: Sensitivity): string {
  const first = report.rows[0];
  if (first === undefined) return "No layer was measured";
  if (first.error === null && first.own === null) return "The budget ended before a layer was measured";
  const where = first.error ? "the outputs are at" : "its own output is at";
  let words = `Quantizing ${layerName(first.path)} alone hurts most: ${where} ${errorWords(first.error ?? first.own)}`;
  const bad = worst(first.quality);
  if (bad !== null && bad.drop > 0) words += `, ${bad.metric} ${dropWords(bad.metric, bad.drop, bad.held)}`;
  if (report.together !== null) {
    words += `; all ${plural(report.rows.length, "layer")} quantized together: ${errorWords(report.together)}`;
    const both = worst(report.together_quality);
    if (both !== null) words += `, ${both.metric} ${dropWords(both.metric, both.drop, both.held)}`;
  }
  return words;
}

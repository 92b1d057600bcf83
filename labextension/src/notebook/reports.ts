/** The reports among a notebook's outputs: read from what is saved there, without a kernel. */

import { kindOf } from "@tauto/drawing";

export const REPORT_MIME = "application/vnd.tauto.report+json";

/** What an output holds, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** A code cell as far as it matters here. */
export interface CellOutputs {
  /** The number beside it, if it was run. */
  count: number | null;
  outputs: readonly Bundle[];
}

/** One report of a notebook. */
export interface Entry {
  /** Place of its cell, and of the report among those of the cell. */
  cell: number;
  place: number;
  count: number | null;
  title: string;
  headline: string;
  /** How it came out, as far as the report says so. */
  tone: "good" | "bad" | "plain";
  json: Record<string, unknown>;
}

/** Returns the reports of a notebook's cells in order. */
export function reportsOf(cells: readonly (CellOutputs | null)[]): Entry[] {
  return cells.flatMap((cell, index) =>
    (cell?.outputs ?? [])
      .filter((bundle) => isRecord(bundle[REPORT_MIME]))
      .map((bundle, place) => entry(bundle, index, place, cell?.count ?? null)),
  );
}

function entry(bundle: Bundle, cell: number, place: number, count: number | null): Entry {
  const json = bundle[REPORT_MIME] as Record<string, unknown>;
  const [title, headline] = words(bundle["text/plain"]);
  const known = kindOf(json);
  return {
    cell,
    place,
    count,
    json,
    title: title || `A ${typeof json.kind === "string" ? json.kind : "report"}`,
    headline: headline.replace(/^[✓✗•]\s*/u, "") || (known ? "" : "of a newer TAuto"),
    tone: headline.startsWith("✓") ? "good" : headline.startsWith("✗") ? "bad" : "plain",
  };
}

/** The title and the first paragraph of a report's plain text. */
function words(text: unknown): [string, string] {
  const whole = Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
  const [title = "", ...rest] = whole.trim().split("\n");
  const ends = rest.findIndex((line) => line.trim() === "");
  const first = (ends < 0 ? rest : rest.slice(0, ends)).map((line) => line.trim()).join(" ");
  return [title.trim(), first];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { Misshapen, type Shape } from "./shape";

/** Version of the JSON form that is read here, as `tauto.reports` writes it. */
export const SCHEMA = 1;

/** A report that can be drawn, or in words why not. */
export type Read<Report> = { report: Report; refused?: never } | { report?: never; refused: string };

/** Returns the kind that JSON says it is; null when it is no report, or of a newer schema than is read here. */
export function kindOf(json: unknown): string | null {
  if (typeof json !== "object" || json === null) return null;
  const { kind, schema } = json as Record<string, unknown>;
  return typeof kind === "string" && typeof schema === "number" && schema <= SCHEMA ? kind : null;
}

/** Reads a report of one kind. */
export function read<Report>(json: unknown, kind: string, shape: Shape<Report>): Read<Report> {
  const schema = (json as { schema?: unknown } | null)?.schema;
  if (typeof schema === "number" && schema > SCHEMA) {
    return { refused: `It was written by a newer TAuto (schema ${schema}; this one reads ${SCHEMA}).` };
  }
  if (kindOf(json) !== kind) return { refused: `It is no ${kind} report.` };
  try {
    return { report: shape(json, "") };
  } catch (error) {
    if (error instanceof Misshapen) return { refused: `The ${kind} report is damaged: ${error.message}.` };
    throw error;
  }
}

import { type Read, read } from "./reading";
import { fields, list, maybe, type Of, otherwise, type Shape, table, text } from "./shape";
import { COMPARED } from "./tuning";

/** The form of a model at several settings as `tauto.reports.ExplorationReport` writes it, as far as it is drawn. */

export type KnobValue = string | number;

const value: Shape<KnobValue> = (given, place) => (typeof given === "number" ? given : text(given, place));

export const EXPLORATION = fields({
  model: text,
  knobs: list(
    fields({
      name: text,
      label: text,
      values: list(value),
      given: value,
      refused: otherwise(table(text), {}),
    }),
  ),
  settings: list(fields({ setting: table(value), comparison: maybe(COMPARED), reason: text })),
});

export type Exploration = Of<typeof EXPLORATION>;
export type Knob = Exploration["knobs"][number];
export type Explored = Exploration["settings"][number];
export type Setting = Record<string, KnobValue>;

/** Reads an exploration from JSON, or says why it cannot be drawn. */
export function readExploration(json: unknown): Read<Exploration> {
  return read(json, "exploration", EXPLORATION);
}

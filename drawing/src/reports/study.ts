import { type Read, read } from "./reading";
import {
  fields,
  flag,
  list,
  maybe,
  number,
  type Of,
  otherwise,
  type Shape,
  table,
  text,
  word,
} from "./shape";

/** The form of a search for hyperparameters as `tauto.reports.StudyReport` writes it, as far as it is drawn. */

export type Setting = string | number | boolean | null;

/** A value of a knob. What is of no plain kind is shown as its JSON. */
const setting: Shape<Setting> = (value) => {
  const plain = value === null || ["string", "number", "boolean"].includes(typeof value);
  return plain ? (value as Setting) : (JSON.stringify(value) ?? "");
};

export const STUDY_TRIAL = fields({
  number,
  state: word("complete", "stopped_early", "failed", "interrupted", "running", "waiting"),
  params: table(setting),
  values: otherwise(list(number), []),
  figures: maybe(table(number)),
  over: maybe(table(number)),
  reason: otherwise(text, ""),
  seconds: maybe(number),
  step: maybe(number),
});

export const STUDY = fields({
  name: text,
  subject: text,
  storage: text,
  goals: list(fields({ name: text, direction: word("maximize", "minimize") })),
  constraints: list(text),
  knobs: list(fields({ name: text, values: text, log: flag, importance: maybe(number) })),
  trials: list(STUDY_TRIAL),
  best: maybe(number),
  stopped: text,
  earlier: otherwise(number, 0),
  budget_s: maybe(number),
  wanted: maybe(number),
  interrupted: otherwise(flag, false),
});

export type Study = Of<typeof STUDY>;
export type StudyTrial = Of<typeof STUDY_TRIAL>;

/** Reads a study from JSON, or says why it cannot be drawn. */
export function readStudy(json: unknown): Read<Study> {
  return read(json, "study", STUDY);
}

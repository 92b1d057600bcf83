import { COMPARISON } from "./comparison";
import { fields, maybe, number, type Of, text, word } from "./shape";

/** What was measured of choices, as the kernel answers: where it stands, and the comparison once there is one. */
export const ANSWER = fields({
  /** Of the choices that were asked for. */
  number,
  state: word("idle", "running", "done", "failed", "stopped"),
  words: text,
  seconds: number,
  comparison: maybe(COMPARISON),
});

export type Answer = Of<typeof ANSWER>;

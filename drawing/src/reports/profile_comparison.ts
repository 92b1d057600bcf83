import { PHASE_NAME } from "./profile";
import { fields, flag, list, maybe, number, type Of, otherwise, text, word } from "./shape";

const FIGURES = fields({
  path: text,
  kind: text,
  total_ms: number,
  self_ms: number,
  flops: number,
  activation_bytes: number,
  parameters: number,
  root: text,
  backward_ms: maybe(number),
});

const SIDE = fields({
  subject: text,
  wall_ms: number,
  steps: number,
  call_ms: number,
  flops: number,
  peak_bytes: maybe(number),
  threads: number,
  shapes: list(text),
});

/** The form of two profiles side by side, as `tauto.reports.ProfileComparison` writes it. */
export const PROFILE_COMPARISON = fields({
  before: SIDE,
  after: SIDE,
  modules: list(
    fields({
      name: text,
      path: text,
      kind: text,
      depth: number,
      before: maybe(FIGURES),
      after: maybe(FIGURES),
      match: word("path", "moved", "replaced", "gone", "new"),
    }),
  ),
  phases: list(fields({ name: PHASE_NAME, before_ms: number, after_ms: number })),
  per_step: flag,
  unlike: list(text),
  left_out: otherwise(fields({ modules: otherwise(number, 0) }), { modules: 0 }),
});

export type ProfileComparison = Of<typeof PROFILE_COMPARISON>;
export type ModuleChange = ProfileComparison["modules"][number];

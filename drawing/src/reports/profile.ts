import { fields, flag, list, maybe, number, type Of, otherwise, table, text, word } from "./shape";

/** The form of a profile as `tauto.reports.ProfileReport` writes it. */

export const VERDICT = word("better", "same", "worse");
export const INTERVAL = fields({ low: number, high: number });
export const CEILING = fields({ resource: text, value: number, unit: word("GFLOP/s", "GB/s") });
export const PHASE_NAME = word("data", "forward", "loss", "backward", "optimizer", "other");

const MODULE = fields({
  path: text,
  kind: text,
  root: number,
  depth: number,
  calls: number,
  total_ms: number,
  self_ms: number,
  flops: number,
  bytes_moved: number,
  parameters: number,
  parameter_bytes: number,
  bound: maybe(word("compute", "memory", "overhead")),
  share_of_ceiling: maybe(number),
  precision: otherwise(text, "float32"),
  activation_bytes: otherwise(number, 0),
  backward_ms: maybe(number),
  /** Time in its own operators, by name. */
  operators: otherwise(table(number), {}),
});

const OPERATOR = fields({
  name: text,
  calls: number,
  total_ms: number,
  self_ms: number,
  flops: maybe(number),
  allocated_bytes: number,
});

const TRIED = fields({
  verdict: VERDICT,
  speedup: number,
  speedup_interval: INTERVAL,
  bytes_saved: maybe(number),
});

export const FINDING = fields({
  rule: text,
  title: text,
  evidence: text,
  line: text,
  python: text,
  cause: otherwise(text, "seen"),
  expected: maybe(fields({ speedup: maybe(number), bytes_saved: maybe(number), basis: text })),
  fix: maybe(fields({ action: text, target: text })),
  tried: maybe(TRIED),
});

const SITE = fields({
  module: text,
  operator: text,
  line: text,
  bytes_per_step: number,
  calls_per_step: number,
  phase: otherwise(text, "other"),
});

const MEMORY = fields({
  device: text,
  times_ms: list(number),
  categories: table(list(number)),
  peak: fields({
    time_ms: number,
    total_bytes: number,
    by_category: table(number),
    module: text,
    operator: text,
    line: text,
    phase: text,
  }),
  steps: number,
  allocated_bytes_per_step: number,
  freed_bytes_per_step: number,
  growth_bytes_per_step: number,
  growth_sites: list(SITE),
  sites: list(SITE),
  start_bytes: otherwise(number, 0),
  windows: otherwise(list(number), [0]),
  growth_steps: otherwise(number, 0),
});

export const PROFILE = fields({
  subject: text,
  wall_ms: number,
  outside_ms: number,
  root_calls: number,
  sampled_calls: number,
  roots: list(
    fields({
      name: text,
      kind: text,
      calls: number,
      total_ms: number,
      parameters: number,
      parameter_bytes: number,
      shapes: list(text),
      training: flag,
    }),
  ),
  modules: list(MODULE),
  operators: list(OPERATOR),
  flops: number,
  peak_bytes: maybe(number),
  findings: list(FINDING),
  machine: text,
  device: text,
  threads: number,
  phases: otherwise(list(fields({ name: PHASE_NAME, calls: number, total_ms: number })), []),
  steps: maybe(
    fields({
      unit: word("optimizer step", "model call"),
      count: number,
      sampled: list(number),
      median_ms: number,
      p95_ms: number,
    }),
  ),
  lines: otherwise(
    list(fields({ file: text, line: number, source: text, share: number, phase: PHASE_NAME })),
    [],
  ),
  memory: maybe(MEMORY),
  ceilings: otherwise(list(CEILING), []),
  /** How many rows of each table were left out when the report was made small enough to travel. */
  left_out: otherwise(table(number), {}),
});

export type Profile = Of<typeof PROFILE>;
export type ModuleRow = Profile["modules"][number];
export type OperatorRow = Profile["operators"][number];
export type Finding = Profile["findings"][number];
export type Tried = NonNullable<Finding["tried"]>;
export type Phase = Profile["phases"][number];
export type PhaseName = Phase["name"];
export type Ceiling = Profile["ceilings"][number];
export type Memory = NonNullable<Profile["memory"]>;
export type Interval = Of<typeof INTERVAL>;

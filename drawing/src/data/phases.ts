import type { PhaseName, Profile } from "../reports/profile";

/** How each phase is called on the screen, in the order in which a step passes through them. */
export const PHASES: Record<PhaseName, string> = {
  data: "waiting for data",
  forward: "forward pass",
  loss: "loss",
  backward: "backward pass",
  optimizer: "optimizer step",
  other: "everything else",
};

export interface PhasePart {
  name: PhaseName;
  words: string;
  ms: number;
  share: number;
  calls: number;
  /** Where the part begins, as a share of the whole. */
  from: number;
}

/** Returns the phases that took time, in the order of a step. */
export function phaseParts(phases: Profile["phases"]): PhasePart[] {
  const order = Object.keys(PHASES);
  const taken = phases.filter((phase) => phase.total_ms > 0);
  taken.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const whole = taken.reduce((sum, phase) => sum + phase.total_ms, 0);
  let from = 0;
  return taken.map(({ name, total_ms, calls }) => {
    const part = { name, words: PHASES[name], ms: total_ms, share: total_ms / whole, calls, from };
    from += part.share;
    return part;
  });
}

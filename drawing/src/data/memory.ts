import type { Memory } from "../reports/profile";

/** How each category is called, in the order in which they are stacked. */
export const CATEGORIES: Record<string, string> = {
  parameters: "parameters and buffers",
  gradients: "gradients",
  optimizer_state: "optimizer state",
  activations: "activations",
  inputs: "inputs",
  other: "other",
};

export interface Layer {
  category: string;
  words: string;
  /** Lower and upper edge at each moment, in bytes. */
  low: number[];
  high: number[];
}

/** Returns the categories that hold anything, one on top of the other, and their sum at each moment. */
export function stacked(memory: Memory): { layers: Layer[]; totals: number[] } {
  const totals = memory.times_ms.map(() => 0);
  const layers: Layer[] = [];
  for (const [category, words] of Object.entries(CATEGORIES)) {
    const sizes = memory.categories[category];
    if (!sizes?.some((size) => size > 0)) continue;
    const low = [...totals];
    totals.forEach((total, moment) => {
      totals[moment] = total + (sizes[moment] ?? 0);
    });
    layers.push({ category, words, low, high: [...totals] });
  }
  return { layers, totals };
}

/** Returns the stretches of time that were traced, as pairs of the first moment and the one after the last. */
export function stretches(memory: Memory): [number, number][] {
  const starts = memory.windows.filter((moment) => moment < memory.times_ms.length);
  return starts.map((from, index) => [from, starts[index + 1] ?? memory.times_ms.length]);
}

const OUTSIDE: Record<string, string> = {
  optimizer: "the optimizer",
  data: "the input pipeline",
  loss: "the loss",
  backward: "the backward pass",
};

/** Returns in words what allocates, such as a module, or where no module is known, the phase. */
export function siteName(site: Memory["sites"][number]): string {
  return site.module || OUTSIDE[site.phase] || "outside a model";
}

/** Returns in words what made the peak: `backward, net.fc (AddmmBackward0), train.py:12`. */
export function peakPlace({ module, operator, line, phase }: Memory["peak"]): string {
  const atWork = module && operator ? `${module} (${operator})` : module || operator;
  return [phase, atWork, line].filter(Boolean).join(", ");
}

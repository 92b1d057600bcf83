import type { Run } from "../reports/runs";

/** What runs are looked for: words anywhere, and exactly one model, verb or verdict where these are not empty. */
export interface RunFilter {
  words: string;
  model: string;
  verb: string;
  verdict: string;
}

export const EVERYTHING: RunFilter = { words: "", model: "", verb: "", verdict: "" };

export type RunColumn = "id" | "created" | "verb" | "model" | "headline" | "verdict";

/** Returns the runs that a filter lets through: each of its words somewhere. */
export function filtered(runs: readonly Run[], filter: RunFilter): Run[] {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (filter.model && run.model !== filter.model) return false;
    if (filter.verb && run.verb !== filter.verb) return false;
    if (filter.verdict && run.verdict !== filter.verdict) return false;
    return words.every((word) => textOf(run).includes(word));
  });
}

const texts = new WeakMap<Run, string>();

/** All that is looked through of a run; made once, since a filter asks at every letter. */
function textOf(run: Run): string {
  let text = texts.get(run);
  if (text === undefined) {
    text =
      `${run.id} ${when(run)} ${run.verb} ${run.model} ${run.headline} ${verdictWords(run)}`.toLowerCase();
    texts.set(run, text);
  }
  return text;
}

/** Returns the runs in the order of a column; runs that are alike in it stay latest first. */
export function sorted(runs: readonly Run[], column: RunColumn, falling: boolean): Run[] {
  const sign = falling ? -1 : 1;
  return [...runs].sort((a, b) => {
    if (column === "id") return sign * (a.id - b.id);
    return sign * a[column].localeCompare(b[column], "en", { numeric: true }) || b.id - a.id;
  });
}

/** Returns what a field holds over all runs, each once, in the order of letters. */
export function valuesOf(runs: readonly Run[], field: "model" | "verb" | "verdict"): string[] {
  return [...new Set(runs.map((run) => run[field]))].filter(Boolean).sort((a, b) => a.localeCompare(b, "en"));
}

/** `2026-11-20 14:05`, in UTC. */
export const when = (run: Run): string => run.created.slice(0, 16).replace("T", " ");

/** `kept the original`, in words. */
export const verdictWords = (run: Run): string => run.verdict.replaceAll("_", " ");

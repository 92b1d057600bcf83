import { type ChangeRow, change } from "../data/comparison";
import { expectedWords, triedWords } from "../data/findings";
import { dataSize, duration, number, plural, ratio, UNKNOWN } from "../data/numbers";
import { element } from "../dom";
import { FIX, type FixReport } from "../reports/fix";
import { type Read, read } from "../reports/reading";
import type { View } from "../view";
import { changesView } from "./changes";
import { factsView } from "./facts";
import { gainBar } from "./gain";

const UNITS = {
  "optimizer step": "Training step",
  "model call": "Call of the model",
  "run of the cell": "Run of the cell",
};

/** Reads a fix that was tried from JSON, or says why it cannot be drawn. */
export function readFix(json: unknown): Read<FixReport> {
  return read(json, "fix", FIX);
}

/** A fix that was tried: what it brought beside what was expected. */
export function fixView(host: HTMLElement, data: FixReport): View<FixReport> {
  const root = element("article", { class: "tauto", "aria-label": `Fix tried: ${data.finding.title}` });
  host.append(root);
  draw(root, data);
  return {
    update(report) {
      root.replaceChildren();
      draw(root, report);
    },
    dispose: () => root.remove(),
  };
}

function headline({ verdict, reason, speedup, speedup_interval, original, fixed }: FixReport): string {
  if (verdict === null) return `Could not be tried: ${reason}`;
  const words = { better: "Better", same: "Did not help here", worse: "Worse here" }[verdict];
  const steps =
    original && fixed ? `, ${duration(original.step.p50_ms)} → ${duration(fixed.step.p50_ms)}` : "";
  return `${words}: ${ratio(speedup, speedup_interval)}${steps}`;
}

function draw(root: HTMLElement, report: FixReport): void {
  const { finding, original, fixed, speedup, speedup_interval, notes, unit } = report;
  root.append(
    element("div", { class: "tauto-soft" }, `Fix tried: ${finding.title}`),
    element("h2", { class: "tauto-headline" }, headline(report)),
  );
  if (speedup !== null && speedup_interval !== null) {
    root.append(gainBar(finding.expected?.speedup ?? null, { speedup, interval: speedup_interval }));
  }
  if (finding.expected) root.append(element("div", {}, expectedWords(finding.expected)));
  if (finding.tried) root.append(element("div", {}, triedWords(finding.tried)));
  for (const note of notes) root.append(element("p", {}, note));
  if (original && fixed) {
    const row = (
      name: string,
      one: number | null,
      other: number | null,
      write: (value: number | null) => string,
    ): ChangeRow => ({ name, original: one, optimized: other, write, change: change(one, other) });
    const rows = [
      row(`${UNITS[unit]}, median of blocks`, original.step.p50_ms, fixed.step.p50_ms, duration),
      row(`${UNITS[unit]}, slow blocks (p95)`, original.step.p95_ms, fixed.step.p95_ms, duration),
      row("Until the first steps had ended", original.warm_up_ms, fixed.warm_up_ms, duration),
      row("Peak memory, growth", original.peak_bytes, fixed.peak_bytes, dataSize),
    ];
    if (original.loss !== null || fixed.loss !== null) {
      const same = original.loss === fixed.loss ? "the same" : UNKNOWN;
      const written = (value: number | null) => number(value, 4);
      rows.push({ ...row("Loss, after as many steps", original.loss, fixed.loss, written), change: same });
    }
    changesView(root, "The cell as it is, and with the fix", rows, ["As it is", "With the fix"]);
  }
  if (finding.python) root.append(element("pre", {}, element("code", {}, finding.python)));
  factsView(root, [
    ["Machine", `${report.machine} (${report.device}, ${plural(report.threads, "thread")})`],
    ["Time taken", `${duration(report.wall_s * 1000)} of ${duration(report.budget_s * 1000)}`],
  ]);
}

import { type ChangeRow, change } from "../data/comparison";
import { dataSize, duration, flops, ratio } from "../data/numbers";
import { PHASES } from "../data/phases";
import { element } from "../dom";
import { type ModuleChange, PROFILE_COMPARISON, type ProfileComparison } from "../reports/profile_comparison";
import { type Read, read } from "../reports/reading";
import type { View } from "../view";
import { changesView } from "./changes";
import { tableView } from "./table";

/** Reads two profiles side by side from JSON, or says why they cannot be drawn. */
export function readProfileComparison(json: unknown): Read<ProfileComparison> {
  return read(json, "profile_comparison", PROFILE_COMPARISON);
}

/** Two profiles side by side: what moved, by phase and by module. */
export function profileComparisonView(host: HTMLElement, data: ProfileComparison): View<ProfileComparison> {
  const title = `${data.after.subject} against ${data.before.subject}`;
  const root = element("article", { class: "tauto", "aria-label": title });
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

function draw(
  root: HTMLElement,
  { before, after, modules, phases, per_step, unlike, left_out }: ProfileComparison,
): void {
  const quantity = (
    name: string,
    one: number | null,
    other: number | null,
    write: (value: number | null) => string,
  ): ChangeRow => ({ name, original: one, optimized: other, write, change: change(one, other) });
  const calls = `${duration(before.call_ms)} → ${duration(after.call_ms)}`;
  const gain = after.call_ms > 0 ? ` (${ratio(before.call_ms / after.call_ms)})` : "";
  root.append(
    element("div", { class: "tauto-soft" }, `${after.subject} against ${before.subject}`),
    element("h2", { class: "tauto-headline" }, `A call of the model: ${calls}${gain}`),
    element(
      "p",
      { class: "tauto-soft" },
      "The two were not measured in turn: small changes may be the machine's.",
    ),
  );
  for (const words of unlike) root.append(element("p", {}, `Not alike: ${words}`));
  const each = per_step ? ", a step" : "";
  changesView(
    root,
    "Before and after",
    [
      quantity("A call of the model", before.call_ms, after.call_ms, duration),
      quantity("Work of a call", before.flops, after.flops, flops),
      quantity("Peak of the process", before.peak_bytes, after.peak_bytes, dataSize),
      ...phases.map((one) => quantity(`${PHASES[one.name]}${each}`, one.before_ms, one.after_ms, duration)),
    ],
    ["Before", "After"],
  );
  const moved = (row: ModuleChange) => (row.after?.total_ms ?? 0) - (row.before?.total_ms ?? 0);
  tableView(root, modules, {
    caption: "Modules, by call",
    columns: [
      {
        title: "Module",
        value: (row) => row.path || row.after?.root || row.before?.root || "model",
        code: true,
      },
      { title: "Kind", value: (row) => row.kind },
      {
        title: "Before",
        value: (row) => row.before?.total_ms ?? null,
        write: (row) => duration(row.before?.total_ms),
      },
      {
        title: "After",
        value: (row) => row.after?.total_ms ?? null,
        write: (row) => duration(row.after?.total_ms),
      },
      { title: "Moved by", value: moved, write: (row) => duration(moved(row)) },
      { title: "Found by", value: (row) => row.match },
    ],
    more: "modules",
    limit: 25,
    leftOut: left_out.modules,
  });
}

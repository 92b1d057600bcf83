/** The machine's measured ceilings: asked of the kernel, else as a profile of this notebook saw them. */

import { element, number } from "@tauto/drawing";
import type { Entry } from "../notebook/reports";
import { button, section } from "./section";

/** What is shown of a machine. */
export interface Machine {
  name: string;
  /** Where it was told: "this kernel", or the report's cell. */
  from: string;
  ceilings: { resource: string; value: number; unit: string }[];
}

export class MachineView {
  readonly node: HTMLElement;

  constructor(asking: () => void) {
    this.node = section("The machine", this.shown, button("Ask the kernel", asking));
    this.show(null);
  }

  show(machine: Machine | null): void {
    if (machine === null) {
      this.shown.replaceChildren(
        element("p", {}, "Not known here yet: no profile, and no kernel was asked."),
      );
      return;
    }
    const rows = machine.ceilings.map((one) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, one.resource),
        element("td", {}, `${number(one.value)} ${one.unit}`),
      ),
    );
    this.shown.replaceChildren(
      element("p", {}, `${machine.name} (${machine.from})`),
      rows.length
        ? element(
            "table",
            {},
            element("caption", {}, "The most that was measured"),
            element("tbody", {}, ...rows),
          )
        : element(
            "p",
            {},
            "Its ceilings were not measured yet: a profile does that, or the command tauto hardware.",
          ),
    );
  }

  /** Says why the kernel told nothing. */
  refuse(words: string): void {
    this.shown.replaceChildren(element("p", { role: "alert" }, words));
  }

  private readonly shown = element("div");
}

/** The machine of the latest of these reports that tells of one. */
export function machineOf(entries: readonly Entry[]): Machine | null {
  for (const entry of [...entries].reverse()) {
    const machine = machineIn(entry.json, `as seen in cell [${entry.count ?? " "}]`);
    if (machine) return machine;
  }
  return null;
}

/** The machine that a report's JSON tells of, with its ceilings; null where it tells of none. */
export function machineIn(json: Record<string, unknown>, from: string): Machine | null {
  const name = json.kind === "machine" ? json.name : json.machine;
  const list = json.ceilings;
  if (typeof name !== "string" || !Array.isArray(list)) return null;
  const ceilings = list.flatMap((one: unknown) => {
    const { resource, value, unit } = (one ?? {}) as Record<string, unknown>;
    return typeof resource === "string" && typeof value === "number" && typeof unit === "string"
      ? [{ resource, value, unit }]
      : [];
  });
  return { name, from, ceilings };
}

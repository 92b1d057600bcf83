/** The list of a notebook's reports: one click scrolls there, two chosen ones are compared. */

import { element } from "@tauto/drawing";
import type { Entry } from "../notebook/reports";
import { button, section } from "./section";

const SIGNS = { good: "✓", bad: "✗", plain: "•" } as const;

/** What the list's buttons do. */
export interface Doing {
  reveal(entry: Entry): void;
  compare(one: Entry, other: Entry): void;
}

export class ReportList {
  readonly node: HTMLElement;

  constructor(private readonly doing: Doing) {
    this.node = section("Reports of this notebook", this.list, this.empty, this.comparing);
    this.comparing.addEventListener("click", () => {
      const [one, other] = this.chosen;
      if (one && other) this.doing.compare(one, other);
    });
    this.show([]);
  }

  /** Shows other reports; those chosen stay chosen where they are still there. */
  show(entries: readonly Entry[]): void {
    const focused = this.node.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-key")
      : null;
    this.entries = entries;
    this.picked = this.picked.filter((key) => entries.some((entry) => keyOf(entry) === key));
    this.list.replaceChildren(...entries.map((entry) => this.row(entry)));
    this.empty.hidden = entries.length > 0;
    this.comparing.hidden = entries.length < 2;
    this.refresh();
    const again = Array.from(this.list.querySelectorAll("[data-key]")).find(
      (node) => node.getAttribute("data-key") === focused,
    );
    if (again instanceof HTMLElement) again.focus();
  }

  private entries: readonly Entry[] = [];
  private picked: string[] = [];
  private readonly list = element("ol", { class: "tauto-reports" });
  private readonly empty = element("p", {}, "None yet. Profile a cell, and its report stands here.");
  private readonly comparing = button("Compare the two chosen", () => undefined);

  private get chosen(): Entry[] {
    return this.entries.filter((entry) => this.picked.includes(keyOf(entry)));
  }

  private row(entry: Entry): HTMLElement {
    const key = keyOf(entry);
    const number = entry.count === null ? "" : `[${entry.count}] `;
    const box = element("input", {
      type: "checkbox",
      "aria-label": `Choose ${number}${entry.title} for a comparison`,
      "data-key": `box ${key}`,
    });
    box.checked = this.picked.includes(key);
    box.addEventListener("change", () => {
      // of three the earliest is let go
      this.picked = [...this.picked.filter((one) => one !== key), ...(box.checked ? [key] : [])].slice(-2);
      this.refresh();
    });
    const go = button("", () => this.doing.reveal(entry), { class: "tauto-go", "data-key": key });
    go.append(
      element("span", { class: "tauto-title" }, number + entry.title),
      element(
        "span",
        { class: `tauto-verdict tauto-${entry.tone}` },
        `${SIGNS[entry.tone]} ${entry.headline}`,
      ),
    );
    return element("li", {}, box, go);
  }

  private refresh(): void {
    for (const box of this.list.querySelectorAll("input")) {
      box.checked = this.picked.includes((box.getAttribute("data-key") ?? "").replace(/^box /, ""));
    }
    this.comparing.disabled = this.chosen.length !== 2;
  }
}

function keyOf(entry: Entry): string {
  return `${entry.cell}.${entry.place}`;
}

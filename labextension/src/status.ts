/** The status bar's item: which search runs, and how far it is. */

import type { IStatusBar } from "@jupyterlab/statusbar";
import { Signal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { element } from "@tauto/drawing";
import { inBrief } from "./notebook/progress";
import type { Running, Searches } from "./notebook/searching";

/** Adds the item; a click on it leads to the cell that runs. */
export function addStatus(bar: IStatusBar, searches: Searches, lead: (running: Running) => void): void {
  const words = element("button", {
    type: "button",
    class: "tauto-status",
    title: "Show the cell that runs",
  });
  words.addEventListener("click", () => {
    const running = searches.all[0];
    if (running) lead(running);
  });
  const item = new Widget({ node: element("div", {}, words) });
  const changed = new Signal<Widget, void>(item);
  const refresh = () => {
    const [first, ...others] = searches.all;
    words.textContent = first
      ? `${inBrief(first.progress)}${others.length ? `, and ${others.length} more` : ""}`
      : "";
    changed.emit();
  };
  searches.changed.connect(refresh);
  refresh();
  bar.registerStatusItem("tauto:search", {
    item,
    align: "middle",
    isActive: () => searches.all.length > 0,
    activeStateChanged: changed,
  });
}

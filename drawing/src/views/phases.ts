import { count, duration, share } from "../data/numbers";
import { phaseParts } from "../data/phases";
import { element } from "../dom";
import type { Profile } from "../reports/profile";
import type { View } from "../view";

/** The phases of the wall time as one bar, with their table below it. */
export function phasesView(host: HTMLElement, data: Profile["phases"]): View<Profile["phases"]> {
  const root = element("section", { class: "tauto-phases" });
  host.append(root);

  function update(phases: Profile["phases"]): void {
    const parts = phaseParts(phases);
    root.hidden = parts.length === 0;
    const bar = element("div", { class: "tauto-bar", "aria-hidden": "true" });
    const body = element("tbody");
    for (const part of parts) {
      const words = `${part.words}: ${share(part.share)}, ${duration(part.ms)}`;
      const piece = element("div", { class: `tauto-piece tauto-phase-${part.name}`, title: words });
      piece.style.flexGrow = String(part.share);
      bar.append(piece);
      body.append(
        element(
          "tr",
          {},
          element(
            "th",
            { scope: "row" },
            element("span", { class: `tauto-key tauto-phase-${part.name}` }),
            part.words,
          ),
          element("td", { class: "tauto-number" }, share(part.share)),
          element("td", { class: "tauto-number" }, duration(part.ms)),
          element("td", { class: "tauto-number" }, part.calls ? count(part.calls) : "–"),
        ),
      );
    }
    const head = ["Phase", "Share", "Time", "Times"].map((title, index) =>
      element("th", { scope: "col", class: index ? "tauto-number" : null }, title),
    );
    const table = element(
      "table",
      { class: "tauto-table" },
      element("caption", {}, "Where the wall time goes"),
      element("thead", {}, element("tr", {}, ...head)),
      body,
    );
    root.replaceChildren(bar, element("div", { class: "tauto-scroll" }, table));
  }

  update(data);
  return { update, dispose: () => root.remove() };
}

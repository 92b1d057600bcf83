import type { Search } from "../data/search";
import { element } from "../dom";
import type { View } from "../view";
import { chosenView } from "./chosen";
import { coordinatesView } from "./coordinates";
import { scatterView } from "./scatter";
import { Selection } from "./selection";
import { trialsView } from "./trials";

/** Places within a search where a host puts its own: at the top, and below the trial that is picked. */
export interface SearchHost {
  top(place: HTMLElement): void;
  picked(place: HTMLElement, selection: Selection): void;
}

/** A whole search of either kind. */
export function searchView(host: HTMLElement, data: Search, own?: SearchHost): View<Search> {
  const title = element("h2", { class: "tauto-title" });
  const verdict = element("p", { class: "tauto-verdict" });
  const asked = element("p", { class: "tauto-soft" });
  const top = element("div");
  const root = element("article", { class: "tauto tauto-search" }, title, top, verdict, asked);
  host.append(root);
  own?.top(top);
  const selection = new Selection();
  const empty = element("p", { class: "tauto-soft" });
  const charts = element("div");
  root.append(empty, charts);
  const scatter = scatterView(charts, data, selection);
  const chosen = chosenView(charts, data, selection);
  const views: View<Search>[] = [
    scatter,
    chosen,
    coordinatesView(charts, data, selection),
    trialsView(charts, data, selection),
  ];
  own?.picked(chosen.further, selection);

  function words(search: Search): void {
    title.textContent = search.title.charAt(0).toUpperCase() + search.title.slice(1);
    root.setAttribute("aria-label", search.title);
    verdict.textContent = search.verdict;
    verdict.hidden = search.verdict === "";
    asked.textContent = search.constraints.length ? `Asked for: ${search.constraints.join("; ")}.` : "";
    asked.hidden = search.constraints.length === 0;
    const measured = search.trials.some((trial) => Object.keys(trial.figures).length > 0);
    empty.hidden = measured;
    if (search.trials.length === 0) empty.textContent = "No trial has ended yet.";
    else empty.textContent = measured ? "" : "No trial was measured; the table says why.";
    charts.hidden = search.trials.length === 0;
  }

  words(data);
  return {
    update(search) {
      words(search);
      for (const view of views) view.update(search);
    },
    dispose() {
      for (const view of views) view.dispose();
      root.remove();
    },
  };
}

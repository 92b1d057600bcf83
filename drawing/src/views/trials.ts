import { count } from "../data/numbers";
import { type Axis, inOrder, type Search, stateWords, type Trial } from "../data/search";
import { element } from "../dom";
import type { View } from "../view";
import type { Selection } from "./selection";

const ROWS = 25;

/** The trials of a search as a table, each with a button that picks it. */
export function trialsView(host: HTMLElement, data: Search, selection: Selection): View<Search> {
  let search = data;
  let rows = ROWS;
  let by = "trial";
  let down = false;

  const head = element("tr");
  const body = element("tbody");
  const more = element("button", { type: "button", class: "tauto-button" });
  const summary = element("summary");
  const root = element(
    "details",
    { class: "tauto-trials" },
    summary,
    element(
      "div",
      { class: "tauto-scroll" },
      element("table", { class: "tauto-table" }, element("thead", {}, head), body),
    ),
    more,
  );
  host.append(root);

  const figures = (): Axis[] =>
    [...new Set([search.up, search.across])]
      .filter((name) => name !== "trial")
      .flatMap((name) => search.axes.find((axis) => axis.name === name) ?? []);

  function heading(name: string, words: string): HTMLElement {
    const sorted = by === name ? (down ? "descending" : "ascending") : undefined;
    const button = element("button", { type: "button", class: "tauto-sort" }, words);
    button.addEventListener("click", () => {
      down = by === name ? !down : false;
      by = name;
      draw();
      // the button was made anew
      head.querySelector<HTMLElement>("[aria-sort] button")?.focus();
    });
    return element("th", { scope: "col", "aria-sort": sorted }, button);
  }

  function ordered(): Trial[] {
    const order =
      by === "trial" ? [...search.trials].sort((a, b) => a.number - b.number) : inOrder(search.trials, by);
    if (!down) return order;
    const known = order.filter((trial) => by === "trial" || trial.figures[by] !== undefined);
    return [
      ...known.reverse(),
      ...order.filter((trial) => by !== "trial" && trial.figures[by] === undefined),
    ];
  }

  function draw(): void {
    const many = search.trials.length;
    summary.textContent = many === 1 ? "The one trial" : `All ${count(many)} trials`;
    root.hidden = search.trials.length === 0;
    if (!root.open) return;
    const axes = figures();
    const plain = (words: string) => element("th", { scope: "col" }, words);
    const named = search.noun === "recipe" ? "Recipe" : "Settings";
    head.replaceChildren(
      heading("trial", "#"),
      plain(named),
      plain("State"),
      ...axes.map((axis) => heading(axis.name, axis.label)),
      plain("Why"),
    );
    const order = ordered();
    body.replaceChildren(...order.slice(0, rows).map((trial) => row(trial, axes)));
    const left = order.length - rows;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, 100)} more`;
    look();
  }

  function row(trial: Trial, axes: Axis[]): HTMLElement {
    const button = element("button", { type: "button", class: "tauto-link" }, trial.title);
    button.addEventListener("click", () => selection.pick(trial.number));
    return element(
      "tr",
      { "data-trial": trial.number },
      element("th", { scope: "row" }, String(trial.number)),
      element("td", { class: "tauto-words" }, button),
      element("td", { class: "tauto-words" }, stateWords(trial)),
      ...axes.map((axis) => {
        const value = trial.figures[axis.name];
        return element("td", {}, value === undefined ? "–" : axis.written(value));
      }),
      element("td", { class: "tauto-words" }, trial.reason),
    );
  }

  function look(): void {
    for (const one of body.children) {
      const picked = (one as HTMLElement).dataset.trial === String(selection.picked);
      one.classList.toggle("tauto-chosen", picked);
    }
  }

  more.addEventListener("click", () => {
    rows += 100;
    draw();
  });
  root.addEventListener("toggle", draw);
  const unheard = selection.on(look);
  draw();
  return {
    update(next) {
      search = next;
      draw();
    },
    dispose() {
      unheard();
      root.remove();
    },
  };
}

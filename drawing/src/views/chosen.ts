import { type Search, stateWords } from "../data/search";
import { settingWords } from "../data/study";
import { element } from "../dom";
import type { View } from "../view";
import type { Selection } from "./selection";

/** What is known of the trial that is picked. `further` is where a host puts what it can do with it. */
export function chosenView(
  host: HTMLElement,
  data: Search,
  selection: Selection,
): View<Search> & { further: HTMLElement } {
  let search = data;
  const facts = element("dl", { class: "tauto-figures" });
  const title = element("h3");
  const why = element("p");
  const further = element("div");
  const notes = element("ul");
  const root = element(
    "section",
    { class: "tauto-picked-one", role: "group", "aria-label": "The picked trial" },
    title,
    why,
    facts,
    notes,
    further,
  );
  host.append(root);

  function draw(): void {
    const trial = search.trials.find((one) => one.number === selection.picked);
    root.hidden = trial === undefined;
    if (trial === undefined) return;
    title.textContent = `Trial ${trial.number}: ${trial.title}`;
    why.textContent = [stateWords(trial), trial.reason].filter(Boolean).join(". ");
    const rows: [string, string][] = [
      ...search.axes.flatMap((axis): [string, string][] => {
        const value = trial.figures[axis.name];
        if (value === undefined || axis.name === "trial") return [];
        const before = search.original?.[axis.name];
        const from =
          before === undefined || axis.name === "speedup" ? "" : ` (original ${axis.written(before)})`;
        return [[axis.label, axis.written(value) + from]];
      }),
      ...(search.noun === "setting"
        ? Object.entries(trial.choices).map(([name, value]): [string, string] => [name, settingWords(value)])
        : []),
    ];
    facts.replaceChildren(
      ...rows.map(([name, words]) => element("div", {}, element("dt", {}, name), element("dd", {}, words))),
    );
    notes.hidden = trial.notes.length === 0;
    notes.replaceChildren(...trial.notes.map((words) => element("li", {}, words)));
  }

  let picked = selection.picked;
  const unheard = selection.on(() => {
    if (selection.picked === picked) return;
    picked = selection.picked;
    draw();
  });
  draw();
  return {
    further,
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

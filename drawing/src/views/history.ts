import { duration } from "../data/numbers";
import { element, unique } from "../dom";
import type { Runs } from "../reports/runs";
import { fields, flag, list, maybe, number, type Of, type Shape, text, word } from "../reports/shape";
import type { View } from "../view";
import { codeView } from "./code";
import { runsView } from "./runs";

/** What a panel's kernel tells of past runs that are open, and of a recipe that is applied. */

const unknown: Shape<unknown> = (value) => value;
const OPENED = fields({ number, report: unknown, sentences: text, recipe: maybe(text) });
const COMPARED = fields({ rows: list(list(text)), notes: list(text) });
const APPLIED = fields({
  number,
  state: word("running", "done", "failed", "refused"),
  words: text,
  lines: text,
  seconds: number,
  taken: flag,
});
const HISTORY = fields({
  opened: list(OPENED),
  compared: maybe(COMPARED),
  trouble: text,
  choices: fields({ models: list(text), values: list(text), functions: list(text) }),
  applied: maybe(APPLIED),
});

export interface History extends Of<typeof HISTORY> {
  /** Why the kernel cannot be asked any more; empty as long as it is there. */
  lost: string;
}
type Opened = History["opened"][number];

/** Reads what the kernel tells. */
export const readHistory = (json: unknown): Of<typeof HISTORY> => HISTORY(json, "");

export interface Application {
  number: number;
  model: string;
  inputs: string;
  data: string;
  evaluate: string;
  into: string;
  over: boolean;
}

export interface HistoryEvents {
  open(numbers: number[]): void;
  close(): void;
  apply(what: Application): void;
  /** Draws a report; null where there is no view of it. */
  draw(host: HTMLElement, report: unknown): View | null;
}

/** Past runs; below them the one that is open, or two beside each other, and a recipe applied again. */
export function historyView(
  host: HTMLElement,
  runs: Runs,
  first: History,
  events: HistoryEvents,
): View<History> {
  const root = element("article", { class: "tauto tauto-history", "aria-label": "Past runs" });
  host.append(root);
  const table = runsView(root, runs, { open: events.open });
  const trouble = element("p", { role: "alert" });
  const room = element("div");
  const form = applyForm(events);
  root.append(trouble, room, form.root);
  let shown: Opened[] = [];
  let views: (View | null)[] = [];

  function update(next: History): void {
    trouble.textContent = next.lost || next.trouble;
    if (next.opened !== shown) {
      for (const view of views) view?.dispose();
      shown = next.opened;
      views = [];
      room.replaceChildren(...open(next));
      if (shown.length > 0) room.scrollIntoView({ block: "nearest" });
    }
    form.update(next);
  }

  function open(next: History): HTMLElement[] {
    if (shown.length === 0) return [];
    const close = element("button", { type: "button", class: "tauto-button" }, "Close");
    close.addEventListener("click", events.close);
    const sides = shown.map((one) => {
      const side = element(
        "div",
        { role: "group", "aria-label": `Run ${one.number}` },
        element("h3", {}, `Run ${one.number}`),
      );
      const view = events.draw(side, one.report);
      views.push(view);
      if (view === null) side.append(...one.sentences.split("\n").map((words) => element("p", {}, words)));
      return side;
    });
    const titles = shown.map((one) => `Run ${one.number}`);
    return [
      ...(next.compared === null ? [] : sideBySide(next.compared, titles)),
      element("div", { class: "tauto-sides" }, ...sides),
      close,
    ];
  }

  update(first);
  return {
    update,
    dispose() {
      for (const view of views) view?.dispose();
      table.dispose();
      form.dispose();
      root.remove();
    },
  };
}

function sideBySide(found: Of<typeof COMPARED>, titles: string[]): HTMLElement[] {
  const heads = ["Of the run", ...titles].map((title) => element("th", { scope: "col" }, title));
  const rows = found.rows.map(([name = "", ...values]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      ...values.map((value) => element("td", { class: "tauto-wide" }, value)),
    ),
  );
  return [
    ...found.notes.map((note) => element("p", {}, note)),
    element(
      "div",
      { class: "tauto-scroll", tabindex: 0, role: "group", "aria-label": "The two runs side by side" },
      element(
        "table",
        { class: "tauto-table" },
        element("caption", {}, "Side by side"),
        element("thead", {}, element("tr", {}, ...heads)),
        element("tbody", {}, ...rows),
      ),
    ),
  ];
}

/** What applies the recipe of the run that is open to a model of the notebook. */
function applyForm(events: HistoryEvents): View<History> & { root: HTMLElement } {
  let history: History | null = null;
  const title = element("h3");
  const recipe = element("p");
  const [model, inputs, data, evaluate] = ["Model", "Inputs", "Data", "Evaluate"].map((name) => {
    const id = unique("name");
    const select = element("select", { id });
    return { select, label: element("span", {}, element("label", { for: id }, `${name} `), select) };
  }) as [Choice, Choice, Choice, Choice];
  const id = unique("into");
  const into = element("input", { id, type: "text", value: "applied", size: 12, spellcheck: "false" });
  const button = element("button", { type: "button", class: "tauto-button" }, "Prepare and measure");
  const status = element("span", { role: "status" });
  const clock = element("span", { class: "tauto-soft", "aria-hidden": "true" });
  const root = element(
    "div",
    { role: "group", "aria-label": "Apply the recipe again" },
    title,
    recipe,
    element(
      "p",
      { class: "tauto-controls" },
      ...[model, inputs, data, evaluate].map(({ label }) => label),
      element("span", {}, element("label", { for: id }, "Its model is named "), into),
      button,
    ),
    element("p", { class: "tauto-progress" }, status, " ", clock),
  );
  const code = codeView(root, null);

  button.addEventListener("click", () => {
    const one = history?.opened[0];
    if (one === undefined || history === null) return;
    button.disabled = true; // pressed twice is once: the kernel's answer lets it go
    events.apply({
      number: one.number,
      model: model.select.value,
      inputs: inputs.select.value,
      data: data.select.value,
      evaluate: evaluate.select.value,
      into: into.value,
      over: history.applied?.state === "refused" && history.applied.taken,
    });
  });

  function update(next: History): void {
    history = next;
    const one = next.opened.length === 1 ? next.opened[0] : undefined;
    root.hidden = one === undefined || one.recipe === null;
    if (one === undefined) return;
    title.textContent = `Apply the recipe of run ${one.number} again`;
    recipe.textContent = `${one.recipe ?? ""}: prepared and measured in processes of its own; the notebook stays free.`;
    fill(model.select, next.choices.models, "no model has a name here", false);
    fill(inputs.select, next.choices.values, "what it was last called with", true);
    fill(data.select, next.choices.values, "none", true);
    fill(evaluate.select, next.choices.functions, "none", true);
    const applied = next.applied?.number === one.number ? next.applied : null;
    const runs = applied?.state === "running";
    button.disabled = runs || next.choices.models.length === 0 || next.lost !== "";
    button.textContent = applied?.state === "refused" && applied.taken ? "Replace it" : "Prepare and measure";
    if (status.textContent !== (applied?.words ?? "")) status.textContent = applied?.words ?? "";
    clock.textContent = runs && applied !== null ? duration(Math.round(applied.seconds) * 1000) : "";
    code.update(applied?.lines ? { lines: applied.lines, script: null } : null);
  }

  return { root, update, dispose: () => code.dispose() };
}

interface Choice {
  select: HTMLSelectElement;
  label: HTMLElement;
}

/** Puts names into a select without losing what was chosen; the first says what nothing chosen means. */
function fill(
  select: HTMLSelectElement,
  names: readonly string[],
  nothing: string,
  mayBeNothing: boolean,
): void {
  const wanted = names.join("\n");
  if (select.dataset.names === wanted && select.options.length > 0) return;
  const kept = select.value;
  select.dataset.names = wanted;
  const blank = mayBeNothing || names.length === 0 ? [element("option", { value: "" }, nothing)] : [];
  select.replaceChildren(...blank, ...names.map((name) => element("option", { value: name }, name)));
  if (names.includes(kept)) select.value = kept;
}

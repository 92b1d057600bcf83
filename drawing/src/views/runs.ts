import { count, plural } from "../data/numbers";
import {
  EVERYTHING,
  filtered,
  type RunColumn,
  type RunFilter,
  sorted,
  valuesOf,
  verdictWords,
  when,
} from "../data/runs";
import { element, unique } from "../dom";
import type { Run, Runs } from "../reports/runs";
import type { View } from "../view";

const AT_ONCE = 50;
const COLUMNS: [RunColumn, string][] = [
  ["id", "Run"],
  ["created", "When (UTC)"],
  ["verb", "Verb"],
  ["model", "Model"],
  ["headline", "What came of it"],
  ["verdict", "Verdict"],
];

export interface RunsOptions {
  /** Runs can be opened, and two of them compared. */
  open?(numbers: number[]): void;
}

/** Past runs in a table: filtered by words, model, verb and verdict, sorted by its headings. */
export function runsView(host: HTMLElement, data: Runs, options: RunsOptions = {}): View<Runs> {
  let report = data;
  let filter: RunFilter = EVERYTHING;
  let [column, falling]: [RunColumn, boolean] = ["id", true];
  let room = AT_ONCE;
  let chosen: number[] = [];

  const words = element("input", { type: "search", "aria-label": "Words in a run", placeholder: "words" });
  words.addEventListener("input", () => narrow({ words: words.value }));
  const selects = (["model", "verb", "verdict"] as const).map((field) => {
    const select = element("select", { "aria-label": `Runs of one ${field}` });
    select.addEventListener("change", () => narrow({ [field]: select.value }));
    return { field, select };
  });
  const compare = element("button", { type: "button", class: "tauto-button" }, "Compare the two");
  compare.addEventListener("click", () => options.open?.([...chosen].sort((a, b) => a - b)));
  const heads = COLUMNS.map(([name, title]) => {
    const button = element("button", { type: "button", class: "tauto-link" }, title);
    button.addEventListener("click", () => {
      falling = column === name ? !falling : name === "id" || name === "created";
      column = name;
      fill();
    });
    return { name, cell: element("th", { scope: "col" }, button) };
  });
  const body = element("tbody");
  const found = element("p", { class: "tauto-soft", role: "status" });
  const more = element("button", { type: "button", class: "tauto-button" }, "Show more");
  more.addEventListener("click", () => {
    room += 4 * AT_ONCE;
    fill();
  });
  const caption = unique("runs");
  const root = element(
    "div",
    { role: "group", "aria-labelledby": caption },
    element("h2", { id: caption }, "Past runs"),
    element(
      "p",
      { class: "tauto-controls" },
      words,
      ...selects.map(({ select }) => select),
      options.open ? compare : null,
    ),
    found,
    element(
      "div",
      { class: "tauto-scroll", tabindex: 0, role: "group", "aria-label": "Table of past runs" },
      element(
        "table",
        { class: "tauto-table tauto-runs", "aria-labelledby": caption },
        element(
          "thead",
          {},
          element("tr", {}, options.open ? element("td", {}, "") : null, ...heads.map(({ cell }) => cell)),
        ),
        body,
      ),
    ),
    more,
  );
  host.append(root);

  function narrow(by: Partial<RunFilter>): void {
    filter = { ...filter, ...by };
    room = AT_ONCE;
    fill();
  }

  function fill(): void {
    const runs = sorted(filtered(report.rows, filter), column, falling);
    body.replaceChildren(...runs.slice(0, room).map(line));
    for (const { name, cell } of heads) {
      cell.setAttribute("aria-sort", name === column ? (falling ? "descending" : "ascending") : "none");
    }
    const all =
      report.total > report.rows.length
        ? `the latest ${count(report.rows.length)} of ${count(report.total)}`
        : count(report.total);
    found.textContent =
      report.rows.length === 0
        ? `No runs yet. Every verb and magic adds one, in ${report.folder}.`
        : `${plural(runs.length, "run")} of ${all}, kept in ${report.folder}.`;
    more.hidden = runs.length <= room;
    tell();
  }

  function line(run: Run): HTMLElement {
    const cells = [when(run), run.verb, run.model, run.headline, verdictWords(run)];
    const box = element("input", { type: "checkbox", "aria-label": `Choose run ${run.id} for comparing` });
    box.checked = chosen.includes(run.id);
    box.addEventListener("change", () => {
      // the two that were chosen last
      chosen = box.checked ? [...chosen, run.id].slice(-2) : chosen.filter((one) => one !== run.id);
      tell();
    });
    box.dataset.run = String(run.id);
    const number = element(
      "button",
      { type: "button", class: "tauto-link", "aria-label": `Open run ${run.id}` },
      String(run.id),
    );
    number.addEventListener("click", () => options.open?.([run.id]));
    return element(
      "tr",
      {},
      options.open ? element("td", {}, box) : null,
      element("th", { scope: "row" }, options.open ? number : String(run.id)),
      ...cells.map((text, index) => element("td", { class: index === 3 ? "tauto-wide" : null }, text)),
    );
  }

  function tell(): void {
    compare.disabled = chosen.length !== 2;
    compare.textContent =
      chosen.length === 2 ? `Compare ${chosen.join(" and ")}` : "Choose two runs to compare";
    for (const box of body.querySelectorAll<HTMLInputElement>("input[data-run]")) {
      box.checked = chosen.includes(Number(box.dataset.run));
    }
  }

  function update(next: Runs): void {
    report = next;
    for (const { field, select } of selects) {
      const kept = filter[field];
      select.replaceChildren(
        element("option", { value: "" }, `any ${field}`),
        ...valuesOf(report.rows, field).map((value) =>
          element("option", { value }, value.replaceAll("_", " ")),
        ),
      );
      select.value = kept;
    }
    fill();
  }

  update(data);
  return { update, dispose: () => root.remove() };
}

/** The same as a report on its own. */
export function runsReportView(host: HTMLElement, data: Runs): View<Runs> {
  const root = element("article", { class: "tauto", "aria-label": "Past runs" });
  host.append(root);
  const view = runsView(root, data);
  return {
    update: view.update,
    dispose() {
      view.dispose();
      root.remove();
    },
  };
}

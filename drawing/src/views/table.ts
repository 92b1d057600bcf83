import { count } from "../data/numbers";
import { element } from "../dom";
import type { View } from "../view";

/** A column: what it is sorted by, and how that is written. */
export interface Column<Row> {
  title: string;
  value(row: Row): number | string | null;
  write?(row: Row): string;
  /** Names of the machine's: in the font of code. */
  code?: boolean;
  /** Drawn as a bar behind the figure, 0 to 1. */
  bar?(row: Row): number;
}

export interface TableOptions<Row> {
  caption: string;
  columns: Column<Row>[];
  /** What the rows are, in words: `modules`. */
  more: string;
  /** Index of the column that it is sorted by at first; none keeps the order of the rows. */
  sort?: number;
  /** How many rows are shown at first, and how many more at a time. */
  limit?: number;
  /** How many rows there are that were not given. */
  leftOut?: number;
  /** Rows can be chosen: by click, or by arrow keys and Enter. */
  pick?(row: Row): void;
  picked?(row: Row): boolean;
}

export interface TableView<Row> extends View<readonly Row[]> {
  /** Marks the chosen row anew. */
  refresh(): void;
}

/** A table that is sorted by its headings; a long one is shown in parts. */
export function tableView<Row>(
  host: HTMLElement,
  data: readonly Row[],
  options: TableOptions<Row>,
): TableView<Row> {
  const { columns, limit = 25 } = options;
  const root = element("div", { class: "tauto-block" });
  const body = element("tbody");
  const heads = columns.map((column, index) => head(column, index));
  const table = element(
    "table",
    { class: "tauto-table" },
    element("caption", {}, options.caption),
    element("thead", {}, element("tr", {}, ...heads)),
    body,
  );
  const rest = element("div", { class: "tauto-soft" });
  root.append(
    element(
      "div",
      { class: "tauto-scroll", tabindex: 0, role: "group", "aria-label": options.caption },
      table,
    ),
    rest,
  );
  host.append(root);

  let rows = data;
  let order: Row[] = [];
  let shown = limit;
  let sorted = options.sort ?? -1;
  let falling = false;
  let numeric: boolean[] | null = null;
  let made: [Row, HTMLTableRowElement][] = [];

  function isNumeric(index: number): boolean {
    numeric ??= columns.map((column) => rows.some((row) => typeof column.value(row) === "number"));
    return numeric[index] ?? false;
  }

  function head(column: Column<Row>, index: number): HTMLElement {
    const button = element("button", { type: "button", class: "tauto-sort" }, column.title);
    button.addEventListener("click", () => {
      falling = sorted === index ? !falling : isNumeric(index);
      sorted = index;
      arrange();
    });
    return element("th", { scope: "col" }, button);
  }

  function arrange(): void {
    const column = columns[sorted];
    order = [...rows];
    if (column !== undefined) {
      const sign = falling ? -1 : 1;
      order.sort((a, b) => compare(column.value(a), column.value(b), sign));
    }
    heads.forEach((cell, index) => {
      cell.setAttribute("aria-sort", index === sorted ? (falling ? "descending" : "ascending") : "none");
      cell.classList.toggle("tauto-number", isNumeric(index));
    });
    fill();
  }

  function fill(): void {
    made = order.slice(0, shown).map((row) => [row, line(row)]);
    body.replaceChildren(...made.map(([, cells]) => cells));
    refresh();
    const missing = order.length - made.length;
    const unseen = missing + (options.leftOut ?? 0);
    rest.replaceChildren();
    if (unseen > 0) rest.append(`… and ${count(unseen)} more ${options.more}`);
    if (options.leftOut) rest.append(`, ${count(options.leftOut)} of them not part of this summary`);
    if (missing > 0) {
      const button = element(
        "button",
        { type: "button", class: "tauto-button" },
        `Show ${count(Math.min(missing, 4 * limit))} more`,
      );
      button.addEventListener("click", () => {
        shown += 4 * limit;
        fill();
      });
      rest.append(" ", button);
    }
  }

  function line(row: Row): HTMLTableRowElement {
    const cells = columns.map((column, index) => {
      const value = column.value(row);
      const words = column.write?.(row) ?? (value === null ? "–" : String(value));
      let content: Node | string = column.code ? element("code", {}, words) : words;
      if (index === 0 && options.pick) {
        content = element("button", { type: "button", class: "tauto-link", tabindex: -1 }, content);
      }
      const kind = isNumeric(index) ? "tauto-number" : null;
      const cell =
        index === 0 ? element("th", { scope: "row" }, content) : element("td", { class: kind }, content);
      const part = column.bar?.(row);
      if (part !== undefined) {
        cell.classList.add("tauto-barred");
        cell.style.setProperty("--tauto-part", `${Math.min(Math.max(part, 0), 1) * 100}%`);
      }
      return cell;
    });
    const made = element("tr", {}, ...cells);
    if (options.pick) made.addEventListener("click", () => options.pick?.(row));
    return made;
  }

  /** One row is in the order of Tab: the chosen one, else the first. Arrow keys move from there. */
  function refresh(): void {
    if (!options.pick) return;
    let inOrder: HTMLButtonElement | null = null;
    for (const [row, cells] of made) {
      const chosen = options.picked?.(row) ?? false;
      const button = cells.querySelector("button");
      cells.classList.toggle("tauto-chosen", chosen);
      if (button === null) continue;
      button.setAttribute("aria-pressed", String(chosen));
      button.tabIndex = -1;
      if (chosen || inOrder === null) inOrder = button;
    }
    if (inOrder) inOrder.tabIndex = 0;
  }

  body.addEventListener("keydown", (event) => {
    const index = made.findIndex(([, cells]) => cells.contains(event.target as Node));
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: made.length - 1 }[event.key];
    const button = index >= 0 && to !== undefined ? made[to]?.[1].querySelector("button") : null;
    if (!button) return;
    for (const [, cells] of made) cells.querySelector("button")?.setAttribute("tabindex", "-1");
    button.tabIndex = 0;
    button.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  falling = sorted >= 0 && isNumeric(sorted);
  arrange();
  return {
    update(next) {
      rows = next;
      numeric = null;
      shown = limit;
      arrange();
    },
    refresh,
    dispose: () => root.remove(),
  };
}

/** What is not known comes last, whichever way it is sorted. */
function compare(a: number | string | null, b: number | string | null, sign: number): number {
  const [unknownA, unknownB] = [a === null || Number.isNaN(a), b === null || Number.isNaN(b)];
  if (unknownA || unknownB) return Number(unknownA) - Number(unknownB);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

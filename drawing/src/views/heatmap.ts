import { type Figure, keyOf, type Place, placesOf, strength, valueWords } from "../data/exploration";
import { element } from "../dom";
import type { Exploration, Knob, Setting } from "../reports/exploration";

/** What the map is asked to show. */
export interface MapState {
  report: Exploration;
  turned: Setting;
  down: Knob;
  across: Knob;
  figure: Figure;
  /** Keys of the settings that wait to be measured, the first being measured. */
  waiting: readonly string[];
}

/** A map over two knobs. Each place is a button; arrow keys go from one to the next. */
export function heatMap(host: HTMLElement, picked: (setting: Setting) => void) {
  const body = element("tbody");
  const head = element("tr");
  const caption = element("caption");
  const grid = element("table", { class: "tauto-map" }, caption, element("thead", {}, head), body);
  const root = element("div", { class: "tauto-scroll" }, grid);
  host.append(root);
  let at: [number, number] = [0, 0];
  let buttons: HTMLButtonElement[][] = [];

  function reach(row: number, column: number, focus: boolean): void {
    at = [
      Math.min(Math.max(row, 0), buttons.length - 1),
      Math.min(Math.max(column, 0), (buttons[0]?.length ?? 1) - 1),
    ];
    buttons.forEach((line, y) => {
      line.forEach((button, x) => {
        button.tabIndex = y === at[0] && x === at[1] ? 0 : -1;
      });
    });
    if (focus) buttons[at[0]]?.[at[1]]?.focus();
  }

  grid.addEventListener("keydown", (event) => {
    const steps: Record<string, [number, number]> = {
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    reach(at[0] + step[0], at[1] + step[1], true);
  });

  return {
    update(state: MapState): void {
      const { report, turned, down, across, figure, waiting } = state;
      const focused = root.contains(document.activeElement);
      const current = keyOf(turned, report.knobs);
      caption.textContent = `${figure.label}, by ${down.label.toLowerCase()} and ${across.label.toLowerCase()}`;
      head.replaceChildren(
        element("td", { class: "tauto-edge" }, `${down.label} ↓  ${across.label} →`),
        ...across.values.map((value) =>
          element("th", { scope: "col", class: "tauto-edge" }, valueWords(across, value)),
        ),
      );
      const places = placesOf(report, turned, down, across);
      buttons = places.map((row) => row.map((place) => cell(place, state, waiting, current, picked)));
      body.replaceChildren(
        ...places.map((row, y) =>
          element(
            "tr",
            {},
            element("th", { scope: "row", class: "tauto-edge" }, valueWords(down, row[0]?.row ?? "")),
            ...(buttons[y] ?? []).map((button) => element("td", { class: "tauto-cell" }, button)),
          ),
        ),
      );
      places.forEach((row, y) => {
        row.forEach((place, x) => {
          if (keyOf(place.setting, report.knobs) === current) at = [y, x];
        });
      });
      reach(at[0], at[1], focused);
    },
    dispose: () => root.remove(),
  };
}

function cell(
  place: Place,
  { report, down, across, figure }: MapState,
  waiting: readonly string[],
  current: string,
  picked: (setting: Setting) => void,
): HTMLButtonElement {
  const key = keyOf(place.setting, report.knobs);
  const value = place.explored ? figure.of(place.explored) : null;
  const [words, meaning] = place.refused
    ? ["×", `cannot be had here: ${place.refused}`]
    : value !== null
      ? [figure.written(value), place.explored?.reason ?? ""]
      : place.explored
        ? ["✗", place.explored.reason]
        : waiting[0] === key
          ? ["…", "being measured"]
          : waiting.includes(key)
            ? ["·", "waits to be measured"]
            : ["", "not measured yet"];
  const where = `${down.label} ${valueWords(down, place.row)}, ${across.label} ${valueWords(across, place.column)}`;
  const button = element(
    "button",
    {
      type: "button",
      class: "tauto-place",
      "aria-label": [where, value === null ? "" : words, meaning].filter(Boolean).join(": "),
      "aria-pressed": key === current ? "true" : "false",
      title: meaning,
    },
    words,
  );
  const factor = place.explored ? figure.factor(place.explored) : null;
  const much = strength(factor);
  if (much !== 0) {
    const colour = much > 0 ? "#4c8bd6" : "#d9622b";
    button.style.background = `color-mix(in srgb, ${colour} ${Math.round(12 + 48 * Math.abs(much))}%, transparent)`;
  }
  button.addEventListener("click", () => picked(place.setting));
  return button;
}

import { type Ladder, ladder } from "../data/places";
import { type Axis, inOrder, type Search, type Trial } from "../data/search";
import { drawn, element } from "../dom";
import type { Setting } from "../reports/study";
import type { View } from "../view";
import { steered } from "./keys";
import { makePlot, type Plot, pointer, wipe } from "./plot";
import { COLOURS } from "./scatter";
import type { Selection } from "./selection";
import { trialWords } from "./words";

const MOST_AXES = 8;
const NEAR = 14;

/** The trials of a search as lines over what was chosen for them and what came of it. */
export function coordinatesView(host: HTMLElement, data: Search, selection: Selection): View<Search> {
  let search = data;
  let shown: Trial[] = [];
  let ladders: Ladder[] = [];

  const reading = element("p", { class: "tauto-reading", "aria-live": "polite" });
  const root = element(
    "figure",
    { class: "tauto-chart" },
    element("figcaption", {}, "What was chosen, and what came of it"),
  );
  host.append(root);
  const plot = makePlot(
    root,
    "Choices of each trial as a line. Arrow keys go from one trial to the next, Enter picks it.",
    (width) => ({
      height: 240,
      margin: { top: 30, right: width < 420 ? 28 : 60, bottom: 10, left: width < 420 ? 28 : 60 },
    }),
    draw,
  );
  root.append(reading);

  const result = (): Axis | undefined => search.axes.find((one) => one.name === search.up);
  const x = (place: number) => (ladders.length < 2 ? 0 : (place / (ladders.length - 1)) * plot.width);
  const y = (at: number) => (1 - at) * plot.height;

  function draw(on: Plot): void {
    const axis = result();
    shown = search.trials.filter((trial) => axis === undefined || trial.figures[axis.name] !== undefined);
    const choices = search.choices.slice(0, MOST_AXES);
    const settings = (name: string): (Setting | undefined)[] => shown.map((trial) => trial.choices[name]);
    ladders = choices.map(({ name, log }) => ladder(name, settings(name), log));
    for (const one of new Set([search.across, search.up])) {
      const found = search.axes.find((known) => known.name === one);
      if (found && found.name !== "trial") {
        const made = ladder(
          found.label,
          shown.map((trial) => trial.figures[one]),
          found.log,
        );
        ladders.push({ ...made, rungs: written(made, found, shown, one) });
      }
    }
    root.hidden = shown.length < 2 || search.choices.length === 0;
    if (root.hidden || on.width <= 0) return;
    on.under.replaceChildren(...ladders.flatMap((one, place) => side(one, place)));
    marks(on);
    look();
  }

  function side(one: Ladder, place: number): SVGElement[] {
    const at = x(place);
    const anchor = place === 0 ? "start" : place === ladders.length - 1 ? "end" : "middle";
    const room = plot.width / Math.max(ladders.length - 1, 1);
    return [
      drawn("path", { class: "tauto-axis", d: `M${at} 0V${plot.height}`, fill: "none" }),
      drawn(
        "text",
        { class: "tauto-axis-name", x: at, y: place % 2 ? -4 : -17, "text-anchor": anchor },
        shortened(one.name, room * 1.8),
      ),
      ...one.rungs.map(({ at: rung, words }) =>
        drawn(
          "text",
          {
            class: "tauto-tick",
            x: place === ladders.length - 1 ? at - 4 : at + 4,
            y: Math.min(Math.max(y(rung) + 4, 9), plot.height - 2),
            "text-anchor": place === ladders.length - 1 ? "end" : "start",
          },
          shortened(words, room * 0.9),
        ),
      ),
    ];
  }

  /** The corners of a trial's line; it breaks where a choice was not made. */
  function trace(path: CanvasRenderingContext2D | Path, index: number): void {
    let broken = true;
    ladders.forEach((one, place) => {
      const at = one.places[index];
      if (at === null || at === undefined) {
        broken = true;
        return;
      }
      if (broken) path.moveTo(x(place), y(at));
      else path.lineTo(x(place), y(at));
      broken = false;
    });
  }

  function marks(on: Plot): void {
    wipe(on);
    const { context } = on;
    context.lineWidth = 1;
    context.globalAlpha = Math.min(0.8, Math.max(0.12, 40 / Math.max(shown.length, 1)));
    for (const state of ["failed", "unfinished", "outside", "good"] as const) {
      context.beginPath();
      context.strokeStyle = COLOURS[state];
      shown.forEach((trial, index) => {
        if (trial.state === state) trace(context, index);
      });
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  function look(): void {
    const lines = [
      [search.best, "tauto-line-best"],
      [selection.picked, "tauto-line-picked"],
      [selection.looked, "tauto-line-looked"],
    ] as const;
    plot.over.replaceChildren(
      ...lines.flatMap(([number, name]) => {
        const index = number === null ? -1 : shown.findIndex((trial) => trial.number === number);
        if (index < 0) return [];
        const path = new Path();
        trace(path, index);
        return [drawn("path", { class: name, d: path.d, fill: "none" })];
      }),
    );
    const trial = shown.find((one) => one.number === (selection.looked ?? selection.picked));
    const axis = result();
    reading.textContent = trial ? trialWords(trial, axis ? [axis] : []) : "";
    reading.hidden = document.activeElement !== plot.root;
  }

  plot.root.addEventListener("pointermove", (event) => selection.look(nearest(event)));
  plot.root.addEventListener("pointerleave", () => selection.look(null));
  plot.root.addEventListener("click", (event) => {
    const number = nearest(event);
    if (number !== null) selection.pick(number);
  });
  plot.root.addEventListener("focus", look);
  plot.root.addEventListener("blur", look);

  function nearest(event: PointerEvent | MouseEvent): number | null {
    const at = pointer(plot, event);
    const room = plot.width / Math.max(ladders.length - 1, 1);
    const left = Math.min(Math.max(Math.floor(at.x / room), 0), ladders.length - 2);
    const part = (at.x - x(left)) / room;
    const [before, after] = [ladders[left], ladders[left + 1]];
    if (before === undefined || after === undefined) return null;
    let [found, least]: [number | null, number] = [null, NEAR];
    shown.forEach((trial, index) => {
      const [one, other] = [before.places[index], after.places[index]];
      if (one === null || one === undefined || other === null || other === undefined) return;
      const away = Math.abs(y(one + (other - one) * part) - at.y);
      if (away < least) [found, least] = [trial.number, away];
    });
    return found;
  }

  const unsteer = steered(plot.root, selection, () => {
    const order = inOrder(shown, search.up);
    return { across: order, up: order, first: search.best };
  });
  const unheard = selection.on(look);
  return {
    update(next) {
      search = next;
      draw(plot);
    },
    dispose() {
      unheard();
      unsteer();
      plot.dispose();
      root.remove();
    },
  };
}

/** Collects corners as the data of an SVG path. */
class Path {
  d = "";
  moveTo(x: number, y: number): void {
    this.d += `M${x} ${y}`;
  }
  lineTo(x: number, y: number): void {
    this.d += `L${x} ${y}`;
  }
}

/** The figures beside an axis of figures, in their unit. */
function written(made: Ladder, axis: Axis, shown: readonly Trial[], name: string): Ladder["rungs"] {
  const values = shown.flatMap((trial) => trial.figures[name] ?? []);
  const ends = [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  return made.rungs.length === 3
    ? ends.map((value, place) => ({ at: place, words: axis.written(value) }))
    : made.rungs;
}

/** What fits into so many pixels. */
function shortened(words: string, pixels: number): string {
  const most = Math.max(Math.floor(pixels / 6), 4);
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`;
}

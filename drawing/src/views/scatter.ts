import { bestSoFar, front, type Point } from "../data/pareto";
import { type Scale, scaleOf } from "../data/places";
import { type Axis, inOrder, type Search, type State, type Trial } from "../data/search";
import { ORDER } from "../data/study";
import { drawn, element, unique } from "../dom";
import type { View } from "../view";
import { steered } from "./keys";
import { labelled } from "./labelled";
import { makePlot, type Plot, pointer, wipe } from "./plot";
import type { Selection } from "./selection";
import { trialWords } from "./words";

/** Colours that are told apart on a light and on a dark ground; the signs differ, too. */
export const COLOURS: Record<State, string> = {
  good: "#4c8bd6",
  outside: "#d9622b",
  failed: "#8a8f98",
  skipped: "#8a8f98",
  unfinished: "#8a8f98",
};
const NEAR = 16;

/** The trials of a search by two figures: what may not be is shaded, and what no other beats is joined by a line. */
export function scatterView(host: HTMLElement, data: Search, selection: Selection): View<Search> {
  let search = data;
  let [across, up] = [data.across, data.up];
  let placed: { trial: Trial; x: number; y: number }[] = [];
  let original: { x: number; y: number } | null = null;

  const reading = element("p", { class: "tauto-reading", "aria-live": "polite" });
  const missing = element("p", { class: "tauto-soft" });
  const choosers = element("figcaption", { class: "tauto-choosers" });
  const root = element("figure", { class: "tauto-chart" }, choosers);
  host.append(root);
  const plot = makePlot(
    root,
    "Trials of the search. Arrow keys go from one to the next, Enter picks it.",
    sizes,
    draw,
  );
  const legend = element("ul", { class: "tauto-legend" });
  root.append(reading, legend, missing);
  choose();

  function axis(name: string): Axis {
    const found = search.axes.find((one) => one.name === name) ?? search.axes[0];
    if (found === undefined) throw new RangeError("a search without axes");
    return found;
  }

  function choose(): void {
    const chooser = (words: string, current: string, set: (name: string) => void) => {
      const select = element("select");
      for (const one of search.axes) {
        select.append(element("option", { value: one.name, selected: one.name === current }, one.label));
      }
      select.addEventListener("change", () => {
        set(select.value);
        draw(plot);
      });
      return labelled(words, select);
    };
    choosers.replaceChildren(
      chooser("Up", axis(up).name, (name) => {
        up = name;
      }),
      chooser("across", axis(across).name, (name) => {
        across = name;
      }),
    );
  }

  function draw(on: Plot): void {
    root.hidden = !search.trials.some((trial) => Object.keys(trial.figures).length > 0);
    if (root.hidden || on.width <= 0) return;
    const [right, upward] = [axis(across), axis(up)];
    const values = (name: string) => [
      ...search.trials.flatMap((trial) => trial.figures[name] ?? []),
      ...(search.original?.[name] !== undefined ? [search.original[name]] : []),
    ];
    const [horizontal, vertical] = [
      scaleOf(right, values(right.name), on.width < 420 ? 3 : 6),
      scaleOf(upward, values(upward.name), 5),
    ];
    const x = (value: number) => horizontal.at(value) * on.width;
    const y = (value: number) => (1 - vertical.at(value)) * on.height;
    placed = [];
    for (const trial of search.trials) {
      const [one, other] = [trial.figures[right.name], trial.figures[upward.name]];
      if (one !== undefined && other !== undefined) placed.push({ trial, x: x(one), y: y(other) });
    }
    const [before, beside] = [search.original?.[right.name], search.original?.[upward.name]];
    original = before !== undefined && beside !== undefined ? { x: x(before), y: y(beside) } : null;
    on.under.replaceChildren(
      ...limits(on, right, upward, x, y),
      ...sides(on, right, upward, horizontal, vertical),
      line(
        right,
        upward,
        before !== undefined && beside !== undefined ? { number: null, x: before, y: beside } : null,
        x,
        y,
      ),
    );
    marks(on);
    legend.replaceChildren(...legendOf(search, right, upward));
    const lost = search.trials.length - placed.length;
    missing.textContent = lost ? `${lost} of ${search.trials.length} trials have no such figures.` : "";
    look();
  }

  function line(
    right: Axis,
    upward: Axis,
    beside: Point | null,
    x: (v: number) => number,
    y: (v: number) => number,
  ) {
    const path = drawn("path", { class: "tauto-front", fill: "none" });
    if (right.name === ORDER) {
      const steps = bestSoFar(search.trials, upward);
      const last = search.trials.at(-1)?.number ?? 0;
      const corners = steps.map(({ number, value }, place) =>
        place === 0 ? `M${x(number)} ${y(value)}` : `H${x(number)}V${y(value)}`,
      );
      path.setAttribute("d", corners.length ? `${corners.join("")}H${x(last)}` : "");
      return path;
    }
    const points = front(search.trials, beside, right, upward);
    // in steps: between two of them nothing was found
    const corner = (point: Point) =>
      right.better === "less" ? `H${x(point.x)}V${y(point.y)}` : `V${y(point.y)}H${x(point.x)}`;
    const [first, ...others] = points;
    if (first) path.setAttribute("d", `M${x(first.x)} ${y(first.y)}${others.map(corner).join("")}`);
    return path;
  }

  function marks(on: Plot): void {
    wipe(on);
    const { context } = on;
    context.lineWidth = 1.5;
    for (const { trial, x, y } of placed) {
      context.beginPath();
      context.globalAlpha = placed.length > 500 ? 0.6 : 0.9;
      context.fillStyle = context.strokeStyle = COLOURS[trial.state];
      if (trial.state === "good") {
        context.arc(x, y, 4, 0, 7);
        context.fill();
      } else {
        context.moveTo(x - 3.5, y - 3.5);
        context.lineTo(x + 3.5, y + 3.5);
        context.moveTo(x + 3.5, y - 3.5);
        context.lineTo(x - 3.5, y + 3.5);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  /** Words beside a mark, to its left where the right has no room. */
  function label(words: string, at: { x: number; y: number }, below: number, more = ""): SVGElement {
    const left = at.x > plot.width - 60;
    const place = { x: at.x + (left ? -9 : 9), y: at.y + below, "text-anchor": left ? "end" : "start" };
    return drawn("text", { class: `tauto-tick${more}`, ...place }, words);
  }

  function look(): void {
    const best = placed.find(({ trial }) => trial.number === search.best);
    const looked = placed.find(({ trial }) => trial.number === selection.looked);
    const picked = placed.find(({ trial }) => trial.number === selection.picked);
    plot.over.replaceChildren(
      ...(original
        ? [
            drawn("rect", {
              class: "tauto-original",
              x: original.x - 5,
              y: original.y - 5,
              width: 10,
              height: 10,
            }),
            // above its mark where the figures of the axis stand below it
            label("original", original, original.y + 17 > plot.height - 4 ? -9 : 17),
          ]
        : []),
      ...(best
        ? [
            drawn("circle", { class: "tauto-best", cx: best.x, cy: best.y, r: 8 }),
            label("best", best, -9, " tauto-strong"),
          ]
        : []),
      ...(picked ? [drawn("circle", { class: "tauto-picked", cx: picked.x, cy: picked.y, r: 11 })] : []),
      ...(looked ? [drawn("circle", { class: "tauto-looked", cx: looked.x, cy: looked.y, r: 7 })] : []),
    );
    const trial = search.trials.find((one) => one.number === (selection.looked ?? selection.picked));
    reading.textContent = trial
      ? trialWords(trial, [axis(up), axis(across)])
      : "Point at a trial, or go through them with the arrow keys.";
  }

  const nearest = (event: PointerEvent | MouseEvent): number | null => {
    const at = pointer(plot, event);
    let found: number | null = null;
    let least = NEAR * NEAR;
    for (const { trial, x, y } of placed) {
      const away = (x - at.x) ** 2 + (y - at.y) ** 2;
      if (away < least) [least, found] = [away, trial.number];
    }
    return found;
  };
  plot.root.addEventListener("pointermove", (event) => selection.look(nearest(event)));
  plot.root.addEventListener("pointerleave", () => selection.look(null));
  plot.root.addEventListener("click", (event) => {
    const number = nearest(event);
    if (number !== null) selection.pick(number);
  });
  const unsteer = steered(plot.root, selection, () => ({
    across: inOrder(
      placed.map(({ trial }) => trial),
      axis(across).name,
    ),
    up: inOrder(
      placed.map(({ trial }) => trial),
      axis(up).name,
    ),
    first: search.best,
  }));
  const unheard = selection.on(look);

  return {
    update(next) {
      const other = next.axes.map((one) => one.name).join() !== search.axes.map((one) => one.name).join();
      const [wasAcross, wasUp] = [search.across, search.up];
      search = next;
      // what the user chose stays; what the search itself proposes may become known only with its first trials
      if (across === wasAcross) across = next.across;
      if (up === wasUp) up = next.up;
      if (other) choose();
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

function sizes(width: number): { height: number; margin: Plot["margin"] } {
  const narrow = width < 420;
  return {
    height: Math.round(Math.min(Math.max(width * 0.45, 230), 360)),
    margin: { top: 14, right: 12, bottom: 38, left: narrow ? 58 : 70 },
  };
}

function sides(on: Plot, right: Axis, upward: Axis, horizontal: Scale, vertical: Scale): SVGElement[] {
  const { width, height } = on;
  return [
    drawn("path", { class: "tauto-axis", d: `M0 0V${height}H${width}`, fill: "none" }),
    ...horizontal.ticks.map(({ at, words }) =>
      drawn("text", { class: "tauto-tick", x: at * width, y: height + 15, "text-anchor": "middle" }, words),
    ),
    ...vertical.ticks.map(({ at, words }) =>
      drawn("text", { class: "tauto-tick", x: -6, y: (1 - at) * height + 4, "text-anchor": "end" }, words),
    ),
    drawn("text", { class: "tauto-axis-name", x: width, y: height + 32, "text-anchor": "end" }, named(right)),
    drawn("text", { class: "tauto-axis-name", x: 4, y: -3 }, named(upward)),
  ];
}

const named = (axis: Axis): string =>
  axis.better === null ? axis.label : `${axis.label} (${axis.better} is better)`;

/** What breaks a limit, shaded. */
function limits(
  on: Plot,
  right: Axis,
  upward: Axis,
  x: (value: number) => number,
  y: (value: number) => number,
): SVGElement[] {
  const id = unique("outside");
  const parts: SVGElement[] = [];
  const shade = (left: number, top: number, width: number, height: number) => {
    if (width <= 0 || height <= 0) return;
    const place = { x: left, y: top, width, height };
    parts.push(
      drawn("rect", { class: "tauto-outside", ...place }),
      drawn("rect", { fill: `url(#${id})`, ...place }),
    );
  };
  const kept = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  if (right.limit) {
    const at = kept(x(right.limit.value), on.width);
    if (right.limit.bound === "at most") shade(at, 0, on.width - at, on.height);
    else shade(0, 0, at, on.height);
  }
  if (upward.limit) {
    const at = kept(y(upward.limit.value), on.height);
    if (upward.limit.bound === "at least") shade(0, at, on.width, on.height - at);
    else shade(0, 0, on.width, at);
  }
  if (parts.length === 0) return [];
  const stripes = drawn(
    "pattern",
    { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    drawn("rect", { class: "tauto-stripe", width: 1, height: 7 }),
  );
  return [drawn("defs", {}, stripes), ...parts];
}

/** What the signs mean, of those that are there. */
function legendOf(search: Search, right: Axis, upward: Axis): HTMLElement[] {
  const sign = (inside: SVGElement) =>
    drawn("svg", { class: "tauto-sign", viewBox: "-6 -6 12 12", "aria-hidden": "true" }, inside);
  const line = sign(drawn("path", { d: "M-6 0H6", class: "tauto-front" }));
  const entries = [
    element("li", {}, sign(drawn("circle", { r: 4, fill: COLOURS.good })), "within what is asked"),
  ];
  if (search.trials.some((trial) => trial.state === "outside")) {
    const cross = drawn("path", {
      d: "M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5",
      stroke: COLOURS.outside,
      "stroke-width": 1.5,
    });
    entries.push(element("li", {}, sign(cross), "outside what is asked"));
  }
  if (right.limit || upward.limit) {
    const stripes = element("span", { class: "tauto-sign tauto-striped", "aria-hidden": "true" });
    entries.push(element("li", {}, stripes, "breaks a limit"));
  }
  if (right.name === ORDER) entries.push(element("li", {}, line, "the best so far"));
  else if (right.better && upward.better && right.name !== upward.name) {
    entries.push(element("li", {}, line, "nothing is better in both"));
  }
  return entries;
}

import {
  FIGURES,
  type Figure,
  given,
  keyOf,
  measured,
  placesOf,
  refusal,
  valueWords,
} from "../data/exploration";
import { dataSize, duration, number, ratio, share } from "../data/numbers";
import { element } from "../dom";
import type { Exploration, Explored, Knob, Setting } from "../reports/exploration";
import type { View } from "../view";
import { heatMap } from "./heatmap";
import { labelled } from "./labelled";

/** What a host that can measure does with an exploration. */
export interface ExplorationHost {
  measure(settings: Setting[]): void;
  /** Where it puts its own, below what is known of the setting. */
  below(place: HTMLElement): void;
  /** Another setting is looked at. */
  turned(setting: Setting): void;
}

/** An exploration as it stands. */
export interface Exploring {
  report: Exploration;
  /** Settings that wait to be measured, the first being measured. */
  waiting: readonly Setting[];
}

/** A model at several settings: its knobs, a map over two of them, and what is known of the setting as it is turned. */
export function explorationView(host: HTMLElement, data: Exploring, own?: ExplorationHost): View<Exploring> {
  let { report, waiting } = data;
  let turned: Setting = given(report.knobs);
  let [down, across] = axesOf(report.knobs);
  let figure: Figure = FIGURES[0] as Figure;

  const title = element("h2", { class: "tauto-title" }, `${report.model} at other settings`);
  const controls = element("fieldset", { class: "tauto-knobs" }, element("legend", {}, "Knobs"));
  const mapped = element("div", { class: "tauto-choosers" });
  const place = element("div");
  const known = element("section", {
    class: "tauto-picked-one",
    role: "group",
    "aria-label": "The setting as it is turned",
  });
  const below = element("div");
  const root = element(
    "article",
    {
      class: "tauto tauto-explore",
      "aria-label": `${report.model} at other settings`,
    },
    title,
    controls,
    known,
    below,
    mapped,
    place,
  );
  host.append(root);
  const map = heatMap(place, (setting) => {
    turn(setting);
    if (!measured(report).has(keyOf(setting, report.knobs))) own?.measure([setting]);
  });
  const selects = new Map<string, HTMLSelectElement>();
  for (const knob of report.knobs) controls.append(control(knob));
  choosers();
  own?.below(below);

  function control(knob: Knob): HTMLElement {
    const select = element("select");
    for (const value of knob.values) {
      const why = refusal(knob, value);
      const words = `${valueWords(knob, value)}${value === knob.given ? " (as it is)" : ""}${why ? " (not here)" : ""}`;
      select.append(element("option", { value: String(value), disabled: why !== "", title: why }, words));
    }
    selects.set(knob.name, select);
    select.addEventListener("change", () => {
      const value = knob.values.find((one) => String(one) === select.value);
      if (value === undefined) return;
      turn({ ...turned, [knob.name]: value });
      if (!measured(report).has(keyOf(turned, report.knobs))) own?.measure([turned]);
    });
    return labelled(knob.label, select);
  }

  function choosers(): void {
    const choose = (
      words: string,
      options: { name: string; label: string }[],
      now: string,
      set: (name: string) => void,
    ) => {
      const select = element("select");
      for (const one of options) {
        select.append(element("option", { value: one.name, selected: one.name === now }, one.label));
      }
      select.addEventListener("change", () => {
        set(select.value);
        draw();
      });
      return labelled(words, select);
    };
    const knob = (name: string) => report.knobs.find((one) => one.name === name) ?? down;
    mapped.append(
      choose("Map of", FIGURES, figure.name, (name) => {
        figure = FIGURES.find((one) => one.name === name) ?? figure;
      }),
      choose("down", report.knobs, down.name, (name) => {
        down = knob(name);
      }),
      choose("across", report.knobs, across.name, (name) => {
        across = knob(name);
      }),
    );
    if (own === undefined) return;
    const fill = element("button", { type: "button", class: "tauto-button" }, "Measure the whole map");
    fill.addEventListener("click", () => {
      const open = placesOf(report, turned, down, across)
        .flat()
        .filter((one) => one.explored === undefined && !one.refused);
      own.measure(open.map((one) => one.setting));
    });
    mapped.append(fill);
  }

  function turn(setting: Setting): void {
    turned = setting;
    own?.turned(turned);
    draw();
  }

  function draw(): void {
    const keys = waiting.map((setting) => keyOf(setting, report.knobs));
    for (const knob of report.knobs) {
      const select = selects.get(knob.name);
      if (select) select.value = String(turned[knob.name] ?? knob.given);
    }
    const key = keyOf(turned, report.knobs);
    known.replaceChildren(...facts(measured(report).get(key), keys.indexOf(key), own !== undefined));
    map.update({ report, turned, down, across, figure, waiting: keys });
  }

  draw();
  return {
    update(next) {
      ({ report, waiting } = next);
      draw();
    },
    dispose() {
      map.dispose();
      root.remove();
    },
  };
}

/** The knobs over which the map is drawn at first, down and across: batches and engines, where there are both. */
function axesOf(knobs: readonly Knob[]): [Knob, Knob] {
  const named = (name: string) => knobs.find((knob) => knob.name === name);
  const [first, second] = [named("batch") ?? knobs[0], named("engine") ?? knobs[1] ?? knobs[0]];
  if (first === undefined || second === undefined) throw new RangeError("an exploration without knobs");
  return [first, second];
}

function facts(explored: Explored | undefined, waits: number, can: boolean): HTMLElement[] {
  if (explored === undefined) {
    const words =
      waits === 0
        ? "Being measured…"
        : waits > 0
          ? "Waits to be measured."
          : `Not measured yet.${can ? " Turn a knob, or pick a place of the map." : ""}`;
    return [element("p", { role: "status" }, words)];
  }
  const compared = explored.comparison;
  if (compared === null) return [element("p", { role: "status" }, `Not to be had: ${explored.reason}`)];
  const { original, optimized } = compared;
  const rows: [string, string][] = [
    ["speedup", ratio(compared.speedup, compared.speedup_interval)],
    [
      "latency, median",
      `${duration(optimized.latency.p50_ms)} (as it is ${duration(original.latency.p50_ms)})`,
    ],
    ["samples a second", number(optimized.latency.throughput_per_s)],
    ["size", `${dataSize(optimized.size_bytes)} (as it is ${dataSize(original.size_bytes)})`],
    ["error of the outputs", share(compared.agreement?.relative_error ?? null)],
    ["prepared in", duration(compared.preparation_s === null ? null : compared.preparation_s * 1000)],
  ];
  return [
    element("p", { role: "status" }, explored.reason),
    element(
      "dl",
      { class: "tauto-figures" },
      ...rows.map(([name, words]) => element("div", {}, element("dt", {}, name), element("dd", {}, words))),
    ),
  ];
}

import { bytesOf, choiceOf, decibelsOf, offers } from "../data/choices";
import { decibels } from "../data/layers";
import { count, dataSize, share, UNKNOWN } from "../data/numbers";
import { dropWords } from "../data/sensitivity";
import { element, unique } from "../dom";
import type { Choice, Choices, Chosen, EngineOption, LayerOption } from "../reports/choices";
import { PRECISIONS } from "../reports/choices";
import type { View } from "../view";

const AT_ONCE = 60;

export interface Switches {
  options: Choices;
  engine: EngineOption;
  chosen: Chosen;
  /** Path of the layer whose weights are looked at. */
  looked: string | null;
}

export interface SwitchEvents {
  /** A choice moves under the hand: only what is estimated follows. */
  moving(path: string, choice: Choice): void;
  /** It was let go. */
  set(path: string, choice: Choice): void;
  look(path: string): void;
}

/** A line a layer: how much int8 hurts it, a switch for its precision and a slider for its zeros. */
export function layerSwitchesView(host: HTMLElement, data: Switches, events: SwitchEvents): View<Switches> {
  let now = data;
  let room = AT_ONCE;
  const list = element("ul", { class: "tauto-layers" });
  const more = element("p", { class: "tauto-soft" });
  const id = unique("filter");
  const filter = element("input", { id, type: "search", placeholder: "part of a name or kind" });
  const root = element(
    "div",
    { role: "group", "aria-label": "Layers" },
    element("p", { class: "tauto-controls" }, element("label", { for: id }, "Layers with "), filter),
    element(
      "p",
      { class: "tauto-soft" },
      "The most harmful in int8 first. Bars: the relative error of the model's outputs with this layer alone in int8.",
    ),
    list,
    more,
  );
  host.append(root);
  let lines = new Map<string, Line>();

  function fill(): void {
    const wanted = filter.value.trim().toLowerCase();
    const found = now.options.layers.filter((layer) =>
      `${layer.path} ${layer.kind}`.toLowerCase().includes(wanted),
    );
    const top = Math.max(...now.options.layers.map((layer) => Math.sqrt(layer.int8_noise ?? 0)), 1e-12);
    lines = new Map(found.slice(0, room).map((layer) => [layer.path, line(layer, now.options, top, events)]));
    list.replaceChildren(...[...lines.values()].map((one) => one.root));
    const missing = found.length - lines.size;
    more.replaceChildren(found.length === 0 ? "No layer has that in its name." : "");
    if (missing > 0) {
      const button = element(
        "button",
        { type: "button", class: "tauto-button" },
        `Show ${count(Math.min(missing, 4 * AT_ONCE))} more`,
      );
      button.addEventListener("click", () => {
        room += 4 * AT_ONCE;
        fill();
      });
      more.append(`… and ${count(missing)} more `, button);
    }
    set();
  }

  function set(): void {
    for (const one of lines.values()) one.set(now);
  }

  filter.addEventListener("input", () => {
    room = AT_ONCE;
    fill();
  });
  fill();
  return {
    update(next) {
      const same = next.options === now.options;
      now = next;
      if (same) set();
      else fill();
    },
    dispose: () => root.remove(),
  };
}

interface Line {
  root: HTMLLIElement;
  set(data: Switches): void;
}

function line(layer: LayerOption, options: Choices, top: number, events: SwitchEvents): Line {
  const name = layer.path || "the model itself";
  const look = element("button", { type: "button", class: "tauto-link" }, element("code", {}, name));
  look.addEventListener("click", () => events.look(layer.path));

  const group = unique("precision");
  const radios = PRECISIONS.map((precision) => {
    const radio = element("input", { type: "radio", name: group, value: precision });
    const label = element("label", {}, radio, element("span", {}, precision));
    radio.addEventListener("change", () => events.set(layer.path, { precision, sparsity: shown() }));
    return { precision, radio, label };
  });
  const slider = element("input", {
    type: "range",
    min: 0,
    max: 95,
    step: 5,
    "aria-label": `Zeros among the weights of ${name}`,
  });
  const percent = element("span", { "aria-hidden": "true" });
  const precision = () => radios.find(({ radio }) => radio.checked)?.precision ?? "float32";
  const shown = () => Number(slider.value) / 100;
  slider.addEventListener("input", () => {
    tell();
    events.moving(layer.path, { precision: precision(), sparsity: shown() });
  });
  slider.addEventListener("change", () =>
    events.set(layer.path, { precision: precision(), sparsity: shown() }),
  );

  function tell(): void {
    const words = shown() === 0 ? "no zeros" : `${share(shown())} zeros`;
    percent.textContent = words;
    slider.setAttribute("aria-valuetext", words);
  }

  const bar = element("span", { class: "tauto-sense" });
  bar.style.setProperty("--tauto-part", `${(100 * Math.sqrt(layer.int8_noise ?? 0)) / top}%`);
  const size = element("span", { class: "tauto-soft" });
  const root = element(
    "li",
    {},
    element("div", { class: "tauto-name" }, look, element("span", { class: "tauto-soft" }, ` ${layer.kind}`)),
    element("div", { class: "tauto-hurt" }, bar, element("span", {}, hurtWords(layer, options))),
    element(
      "div",
      { class: "tauto-switch", role: "radiogroup", "aria-label": `Precision of ${name}` },
      ...radios.map(({ label }) => label),
    ),
    element("div", { class: "tauto-zeros" }, slider, percent),
    element("div", { class: "tauto-bytes" }, size),
  );

  return {
    root,
    set({ engine, chosen, looked }) {
      const choice = choiceOf(chosen, layer.path);
      for (const { precision, radio, label } of radios) {
        radio.checked = choice.precision === precision;
        radio.disabled = !offers(engine, layer.path, precision);
        label.title = radio.disabled
          ? `${engine.title} does not compute a ${layer.kind} like this in ${precision}`
          : "";
      }
      slider.disabled = layer.zeros_noise.length === 0;
      slider.title = slider.disabled ? "Its weights are not pruned" : "";
      slider.value = String(Math.round(choice.sparsity * 100));
      tell();
      size.textContent = `${dataSize(bytesOf(layer, choice))} of ${dataSize(layer.size_bytes)}`;
      root.classList.toggle("tauto-chosen", looked === layer.path);
      look.setAttribute("aria-pressed", String(looked === layer.path));
    },
  };
}

function hurtWords(layer: LayerOption, { metric, allowed_drop }: Choices): string {
  const outputs = layer.int8_noise === null ? UNKNOWN : decibels(decibelsOf(layer.int8_noise));
  if (layer.int8_drop === null) return outputs;
  const held = layer.int8_drop <= (allowed_drop ?? Number.POSITIVE_INFINITY);
  return `${outputs}, ${metric} ${dropWords(metric, layer.int8_drop, held)}`;
}

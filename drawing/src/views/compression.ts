import { bearable, choiceOf, estimate, offers, suited } from "../data/choices";
import { duration } from "../data/numbers";
import { element, unique } from "../dom";
import {
  CHOICES,
  type Choice,
  type Choices,
  type Chosen,
  type EngineOption,
  PRECISIONS,
  type Precision,
} from "../reports/choices";
import { ANSWER, type Answer } from "../reports/measured";
import { PICTURE, type Picture } from "../reports/pictures";
import type { View } from "../view";
import { type CodeText, codeView } from "./code";
import { effectsView } from "./effects";
import { layerSwitchesView } from "./layer_switches";
import { weightsOfView } from "./weights_of";

/** What the panel's kernel holds: what was asked for last, and what it answered. */
export interface CompressionState {
  asked: Asked;
  answer: Answer | null;
  /** Of the layer looked at; null while it is fetched or none is. */
  picture: Picture | null;
  looked: string | null;
  code: CodeText | null;
  /** Why the kernel cannot be asked any more; empty as long as it is there. */
  lost: string;
}

export interface Asked {
  number: number;
  engine: string;
  choices: Chosen;
}

export interface CompressionEvents {
  /** Choices were let go: they are to be measured. Returns what is asked for from now on. */
  ask(engine: string, choices: Chosen): Asked;
  look(path: string): void;
  stop(): void;
}

/** How long the kernel may take to say that it heard, in milliseconds. */
const HEARD_WITHIN = 2500;
const BUSY =
  "The kernel has not answered yet: it may be busy with a cell. What is estimated holds without it.";

/** Layers switched one by one: what that is expected to bring, at once; what it brought, as the kernel measures it. */
export function compressionView(
  host: HTMLElement,
  options: Choices,
  first: CompressionState,
  events: CompressionEvents,
): View<CompressionState> {
  let state = first;
  let engine = engineOf(options, first.asked.engine);
  let chosen: Chosen = first.asked.choices;
  let unheard = false;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  const label = unique("engine");
  const select = element(
    "select",
    { id: label },
    ...options.engines.map((one) =>
      element(
        "option",
        { value: one.name, disabled: one.lacking !== "" },
        one.lacking
          ? `${one.title} (not here: ${one.lacking})`
          : `${one.title} (int8 in ${one.int8.length} of ${options.layers.length} layers)`,
      ),
    ),
  );
  const all = PRECISIONS.map((precision) => {
    const button = element("button", { type: "button", class: "tauto-button" }, precision);
    button.addEventListener("click", () => release(everyLayer(precision)));
    return button;
  });
  const least = element(
    "button",
    {
      type: "button",
      class: "tauto-button",
      title: "The least harmful first, as long as the estimate holds the quality",
    },
    "int8 as far as the estimate allows",
  );
  least.addEventListener("click", () => release(bearable(options, engine)));
  const status = element("span", { role: "status" });
  const clock = element("span", { class: "tauto-soft", "aria-hidden": "true" });
  const stop = element("button", { type: "button", class: "tauto-button" }, "Stop measuring");
  const root = element("article", {
    class: "tauto tauto-compression",
    "aria-label": `Compression of ${options.model}, layer by layer`,
  });
  root.append(
    element("h2", {}, "Layer by layer: ", element("code", {}, options.model)),
    element(
      "p",
      { class: "tauto-controls" },
      element("label", { for: label }, "Computed by "),
      select,
      element("span", { role: "group", "aria-label": "All layers" }, "  All layers: ", ...all),
      least,
    ),
  );
  const effects = effectsView(root, shown());
  root.append(
    element("p", { class: "tauto-progress" }, status, " ", clock, " ", stop),
    element(
      "p",
      { class: "tauto-soft" },
      "Estimated: from each layer alone in int8 (simulated), the weights, and this machine's measured ceilings; it is no measurement. Measured: prepared and timed in processes of its own, beside the original.",
    ),
  );
  const switches = layerSwitchesView(
    root,
    { options, engine, chosen, looked: first.looked },
    {
      moving(path, choice) {
        chosen = { ...chosen, [path]: choice };
        effects.update(shown());
      },
      set: (path, choice) => release({ ...chosen, [path]: choice }),
      look: (path) => events.look(path),
    },
  );
  const weightsHead = element("h3");
  const weightsRoom = element("div");
  const weights = element("section", {}, weightsHead, weightsRoom);
  root.append(weights);
  const code = codeView(root, first.code);
  host.append(root);
  let drawing: View<Picture> | null = null;

  select.addEventListener("change", () => {
    engine = engineOf(options, select.value);
    release(chosen);
  });
  stop.addEventListener("click", () => {
    stop.disabled = true;
    events.stop();
  });

  function everyLayer(precision: Precision): Chosen {
    return Object.fromEntries(
      options.layers.map((layer): [string, Choice] => [
        layer.path,
        {
          precision: offers(engine, layer.path, precision) ? precision : "float32",
          sparsity: choiceOf(chosen, layer.path).sparsity,
        },
      ]),
    );
  }

  /** Takes over what was chosen, and asks for it to be measured. */
  function release(next: Chosen): void {
    chosen = suited(engine, next);
    unheard = false;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      unheard = !isCurrent();
      draw();
    }, HEARD_WITHIN);
    state = { ...state, asked: events.ask(engine.name, chosen) };
    draw();
  }

  function isCurrent(): boolean {
    return state.answer !== null && state.answer.number === state.asked.number;
  }

  function shown() {
    const answer = state.answer;
    return {
      options,
      estimate: estimate(options, suited(engine, chosen)),
      answer,
      current: isCurrent() && answer?.state !== "running",
    };
  }

  function draw(): void {
    const answer = isCurrent() ? state.answer : null;
    const runs = answer?.state === "running";
    select.value = engine.name;
    effects.update(shown());
    switches.update({ options, engine, chosen, looked: state.looked });
    const words = state.lost || (unheard ? BUSY : (answer?.words ?? ""));
    if (status.textContent !== words) status.textContent = words;
    clock.textContent = runs && answer !== null ? duration(Math.round(answer.seconds) * 1000) : "";
    if (!runs) stop.disabled = false;
    stop.hidden = !runs;
    drawWeights();
    code.update(state.code);
  }

  function drawWeights(): void {
    weights.hidden = state.looked === null;
    weightsHead.replaceChildren("Weights of ", element("code", {}, state.looked || "the model itself"));
    if (state.picture === null) {
      drawing?.dispose();
      drawing = null;
    } else if (drawing === null) {
      drawing = weightsOfView(weightsRoom, state.picture);
    } else {
      drawing.update(state.picture);
    }
  }

  draw();
  return {
    update(next) {
      if (next.asked !== state.asked) {
        // another view of the same panel, or a line of Python, chose something
        engine = engineOf(options, next.asked.engine);
        chosen = next.asked.choices;
      }
      state = next;
      if (isCurrent()) unheard = false;
      draw();
    },
    dispose() {
      clearTimeout(waiting);
      for (const view of [effects, switches, code, drawing]) view?.dispose();
      root.remove();
    },
  };
}

function engineOf(options: Choices, name: string): EngineOption {
  const found =
    options.engines.find((one) => one.name === name) ?? options.engines.find((one) => one.lacking === "");
  return found ?? { name, title: name, int8: [], bfloat16: [], lacking: "" };
}

/** Reads what the kernel sent; what is cut short or of another form counts as not there. */
export function readChoices(json: unknown): Choices | null {
  return guarded(json, CHOICES);
}

export const readAnswer = (json: unknown): Answer | null => guarded(json, ANSWER);
export const readPicture = (json: unknown): Picture | null => guarded(json, PICTURE);

function guarded<T>(json: unknown, shape: (value: unknown, place: string) => T): T | null {
  try {
    return shape(json, "");
  } catch {
    return null;
  }
}

import type { Choice, Choices, Chosen, EngineOption, LayerOption, Precision } from "../reports/choices";

/**
 * What choices for single layers are expected to bring together, as `tauto/tuning/layer_outlook.py` reckons it: powers
 * of noise add up, and so do bytes and shares of time. An estimate, and no measurement.
 */

export const AS_IT_IS: Choice = { precision: "float32", sparsity: 0 };

export interface Estimate {
  sizeBytes: number;
  /** Signal over noise of the outputs; null where some layer's part is not known, infinite where nothing is rounded. */
  snrDb: number | null;
  /** Of the metric; null unless all that is changed is int8 and was evaluated. */
  drop: number | null;
  /** Share of a call's time, at best; null where no arithmetic becomes faster. */
  timeSaved: number | null;
  /** Share of the weights of these layers that are zero. */
  zeros: number;
}

/** Returns what was chosen for a layer. */
export function choiceOf(chosen: Chosen, path: string): Choice {
  return Object.hasOwn(chosen, path) ? (chosen[path] ?? AS_IT_IS) : AS_IT_IS;
}

const BYTES: Record<Precision, (layer: LayerOption) => number> = {
  float32: (layer) => layer.size_bytes,
  bfloat16: (layer) => layer.bfloat16_bytes,
  int8: (layer) => layer.int8_bytes,
};

const TIME: Record<Precision, (layer: LayerOption) => number | null> = {
  float32: () => null,
  bfloat16: (layer) => layer.bfloat16_time,
  int8: (layer) => layer.int8_time,
};

export function estimate(options: Choices, chosen: Chosen): Estimate {
  let [size, noise, drop, saved, zeros, weights] = [options.size_bytes, 0, 0, 0, 0, 0];
  let [heard, timed, judged] = [true, false, options.drop_scale !== null];
  for (const layer of options.layers) {
    const choice = choiceOf(chosen, layer.path);
    size += bytesOf(layer, choice) - layer.size_bytes;
    const added = noiseOf(options, layer, choice);
    heard &&= added !== null;
    noise += added ?? 0;
    judged &&= choice.precision !== "bfloat16" && choice.sparsity === 0;
    if (choice.precision === "int8") drop += layer.int8_drop ?? 0;
    const time = TIME[choice.precision](layer);
    timed ||= time !== null;
    saved += time ?? 0;
    zeros += choice.sparsity * layer.weights;
    weights += layer.weights;
  }
  noise *= options.noise_scale;
  return {
    sizeBytes: size,
    snrDb: heard ? decibelsOf(noise) : null,
    drop: judged && options.drop_scale !== null ? drop * options.drop_scale : null,
    timeSaved: timed ? Math.min(saved, 1) : null,
    zeros: weights > 0 ? zeros / weights : 0,
  };
}

/** Bytes of a layer's weights as chosen; zeros are stored as any other number. */
export function bytesOf(layer: LayerOption, choice: Choice): number {
  return BYTES[choice.precision](layer);
}

/** Power of the noise that a choice adds to the model's outputs; null where it is not known. */
export function noiseOf(options: Choices, layer: LayerOption, choice: Choice): number | null {
  let noise = 0;
  if (choice.precision !== "float32") {
    const rounded = choice.precision === "int8" ? layer.int8_noise : layer.bfloat16_noise;
    if (rounded === null) return null;
    noise += rounded;
  }
  if (choice.sparsity > 0) {
    const step = options.shares.findLastIndex((share) => share <= choice.sparsity + 1e-9);
    const cut = layer.zeros_noise[step];
    if (cut === undefined) return null;
    noise += cut;
  }
  return noise;
}

/** Signal over noise in dB, of a power of noise over that of the signal. */
export const decibelsOf = (noise: number): number =>
  noise === 0 ? Number.POSITIVE_INFINITY : -10 * Math.log10(noise);

/** Whether an engine computes a layer in a precision. */
export function offers(engine: EngineOption, path: string, precision: Precision): boolean {
  return precision === "float32" || engine[precision].includes(path);
}

/** Returns the choices that an engine can follow: what it does not compute stays in float32. */
export function suited(engine: EngineOption, chosen: Chosen): Chosen {
  return Object.fromEntries(
    Object.entries(chosen)
      .map(([path, one]): [string, Choice] => [
        path,
        offers(engine, path, one.precision) ? one : { ...one, precision: "float32" },
      ])
      .filter(([, one]) => one.precision !== "float32" || one.sparsity > 0),
  );
}

/** What outputs must reach where no metric judges them: a relative error of 10 %. */
const LEAST_DB = 20;

/**
 * Returns int8 for as many layers as the estimate allows, the least harmful first: the drop stays within what is
 * allowed where it is known, and else the error of the outputs within a tenth.
 */
export function bearable(options: Choices, engine: EngineOption): Chosen {
  const chosen: Record<string, Choice> = {};
  const harm = (layer: LayerOption) => layer.int8_noise ?? Number.POSITIVE_INFINITY;
  for (const layer of [...options.layers].sort((a, b) => harm(a) - harm(b))) {
    if (!offers(engine, layer.path, "int8")) continue;
    const { snrDb, drop } = estimate(options, {
      ...chosen,
      [layer.path]: { precision: "int8", sparsity: 0 },
    });
    const within =
      drop !== null && options.allowed_drop !== null
        ? drop <= options.allowed_drop
        : snrDb !== null && snrDb >= LEAST_DB;
    if (within) chosen[layer.path] = { precision: "int8", sparsity: 0 };
  }
  return chosen;
}

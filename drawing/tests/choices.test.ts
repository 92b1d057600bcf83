import { expect, test } from "vitest";
import { bearable, decibelsOf, estimate, noiseOf, offers, suited } from "../src/data/choices";
import type { Choices, LayerOption } from "../src/reports/choices";

const layer = (path: string, changes: Partial<LayerOption> = {}): LayerOption => ({
  path,
  kind: "Linear",
  size_bytes: 4000,
  int8_bytes: 1100,
  bfloat16_bytes: 2000,
  weights: 1000,
  int8_noise: 1e-3,
  bfloat16_noise: 1e-5,
  zeros_noise: [0, 1e-4, 1e-2],
  int8_drop: 0.01,
  int8_time: 0.2,
  bfloat16_time: 0.1,
  ...changes,
});

const options: Choices = {
  model: "net",
  size_bytes: 9000,
  shares: [0, 0.25, 0.5],
  layers: [layer("a"), layer("b", { int8_noise: 3e-3, int8_drop: 0.02 })],
  engines: [{ name: "torch", title: "PyTorch", int8: ["a"], bfloat16: ["a", "b"], lacking: "" }],
  noise_scale: 1,
  drop_scale: 0.5,
  metric: "accuracy",
  allowed_drop: 0.01,
};

test("nothing chosen changes nothing", () => {
  expect(estimate(options, {})).toEqual({
    sizeBytes: 9000,
    snrDb: Number.POSITIVE_INFINITY,
    drop: 0,
    timeSaved: null,
    zeros: 0,
  });
});

test("bytes, powers of noise, drops and shares of time add up", () => {
  const both = { a: { precision: "int8", sparsity: 0 }, b: { precision: "int8", sparsity: 0 } } as const;
  const found = estimate({ ...options, noise_scale: 2 }, both);
  expect(found.sizeBytes).toBe(9000 - 2 * 2900);
  expect(found.snrDb).toBeCloseTo(decibelsOf(8e-3), 9);
  expect(found.drop).toBeCloseTo(0.015, 9);
  expect(found.timeSaved).toBeCloseTo(0.4, 9);
});

test("zeros make noise and no fewer bytes, and nothing is told of the metric then", () => {
  const found = estimate(options, { a: { precision: "float32", sparsity: 0.5 } });
  expect(found.sizeBytes).toBe(9000);
  expect(found.snrDb).toBeCloseTo(20, 9);
  expect(found.drop).toBeNull();
  expect(found.zeros).toBe(0.25);
});

test("the noise of zeros is that of the largest share known not above what was chosen", () => {
  const [first] = options.layers as [LayerOption];
  expect(noiseOf(options, first, { precision: "float32", sparsity: 0.3 })).toBe(1e-4);
  expect(noiseOf(options, first, { precision: "int8", sparsity: 0.5 })).toBeCloseTo(1.1e-2, 12);
});

test("what is not known of one layer is not known of all", () => {
  const unsure = { ...options, layers: [layer("a", { int8_noise: null }), layer("b")] };
  expect(estimate(unsure, { a: { precision: "int8", sparsity: 0 } }).snrDb).toBeNull();
  expect(estimate(unsure, { b: { precision: "int8", sparsity: 0 } }).snrDb).toBeCloseTo(30, 9);
});

test("an engine follows what it computes, and layers named like methods are no trouble", () => {
  const engine = options.engines[0];
  if (engine === undefined) throw new Error("there is one");
  expect(offers(engine, "b", "int8")).toBe(false);
  expect(
    suited(engine, { a: { precision: "int8", sparsity: 0 }, b: { precision: "int8", sparsity: 0.5 } }),
  ).toEqual({ a: { precision: "int8", sparsity: 0 }, b: { precision: "float32", sparsity: 0.5 } });
  const odd = { ...options, layers: [layer("constructor")] };
  expect(estimate(odd, {}).sizeBytes).toBe(9000);
});

test("int8 goes as far as the estimate allows, the least harmful first", () => {
  const engine = { name: "torch", title: "PyTorch", int8: ["a", "b", "c"], bfloat16: [], lacking: "" };
  const layers = [
    layer("a", { int8_noise: 0.5, int8_drop: 0.2 }),
    layer("b", { int8_noise: 1e-4, int8_drop: 0 }),
    layer("c", { int8_noise: 1e-5, int8_drop: 0.015 }),
    layer("d", { int8_noise: 1e-6, int8_drop: 0 }),
  ];
  const judged = { ...options, layers, drop_scale: 1 };
  expect(Object.keys(bearable({ ...judged, allowed_drop: 0.02 }, engine)).sort()).toEqual(["b", "c"]);
  expect(Object.keys(bearable({ ...judged, allowed_drop: 0.01 }, engine))).toEqual(["b"]);
  // without a metric by the outputs, of which one layer alone takes too much
  expect(Object.keys(bearable({ ...judged, drop_scale: null, allowed_drop: null }, engine)).sort()).toEqual([
    "b",
    "c",
  ]);
});

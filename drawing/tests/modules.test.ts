import { expect, test } from "vitest";
import { flame, found, levelsOf, modulesWith, moduleTree, nested, operatorsIn } from "../src/data/modules";
import type { ModuleRow, Profile } from "../src/reports/profile";

function row(
  path: string,
  depth: number,
  total_ms: number,
  operators: Record<string, number> = {},
  root = 0,
): ModuleRow {
  return {
    path,
    kind: "Linear",
    root,
    depth,
    calls: 1,
    total_ms,
    self_ms: 0,
    flops: 0,
    bytes_moved: 0,
    parameters: 0,
    parameter_bytes: 0,
    bound: null,
    share_of_ceiling: null,
    precision: "float32",
    activation_bytes: 0,
    backward_ms: null,
    operators,
  };
}

const ROOT = {
  kind: "Net",
  calls: 1,
  total_ms: 100,
  parameters: 0,
  parameter_bytes: 0,
  shapes: [],
  training: true,
};
const PROFILE: Pick<Profile, "modules" | "roots"> = {
  roots: [
    { ...ROOT, name: "net" },
    { ...ROOT, name: "critic" },
  ],
  modules: [
    row("", 0, 100),
    row("body.0", 1, 60, { mm: 40, add: 2 }),
    row("body.0.fc", 2, 45, { mm: 45 }),
    row("head", 1, 30, { add: 9 }),
    row("", 0, 100, {}, 1),
  ],
};
const NODES = moduleTree(PROFILE);

test("modules hang on those above them, each root by itself", () => {
  expect(NODES.map((node) => [node.path, node.name, node.parent, node.level, node.end])).toEqual([
    ["net", "net", -1, 0, 4],
    ["net.body.0", "body.0", 0, 1, 3],
    ["net.body.0.fc", "fc", 1, 2, 3],
    ["net.head", "head", 0, 1, 4],
    ["critic", "critic", -1, 0, 5],
  ]);
  expect([levelsOf(NODES, null), levelsOf(NODES, 1), levelsOf(NODES, 2)]).toEqual([3, 2, 1]);
});

test("where a module was left out, those below it hang on the nearest above", () => {
  const cut = moduleTree({ ...PROFILE, modules: [row("", 0, 9), row("a.b.c", 3, 4), row("b", 1, 2)] });
  expect(cut.map((node) => [node.name, node.parent])).toEqual([
    ["net", -1],
    ["a.b.c", 0],
    ["b", 0],
  ]);
});

test("in a flame graph a module is as wide as its share of the one above", () => {
  const boxes = flame(NODES, "time", null, 3, { width: 200, height: 10 });
  expect(boxes.map((box) => [box.node.index, box.x, box.y, box.width])).toEqual([
    [0, 0, 0, 100],
    [1, 0, 10, 60],
    [2, 0, 20, 45],
    [3, 60, 10, 30],
    [4, 100, 0, 100],
  ]);
  const zoomed = flame(NODES, "time", 1, 1, { width: 200, height: 10 });
  expect(zoomed.map((box) => [box.node.index, box.width])).toEqual([[1, 200]]);
});

test("those below a module never reach beyond it, whatever they sum up to", () => {
  const shared = moduleTree({ ...PROFILE, modules: [row("", 0, 10), row("a", 1, 8), row("b", 1, 8)] });
  const boxes = flame(shared, "time", null, 2, { width: 100, height: 10 });
  expect(boxes.map((box) => [box.x, box.width])).toEqual([
    [0, 100],
    [0, 50],
    [50, 50],
  ]);
});

test("in a treemap those below a module lie inside it, and areas are as their time", () => {
  const boxes = nested(NODES, "time", null, 2, { width: 400, height: 400 });
  const [net, body, head] = [0, 1, 3].map((index) => boxes.find((box) => box.node.index === index));
  expect(boxes.some((box) => box.node.index === 2)).toBe(false); // a level too deep
  for (const inner of [body, head]) {
    expect(inner?.x).toBeGreaterThanOrEqual(net?.x ?? 0);
    expect((inner?.x ?? 0) + (inner?.width ?? 0)).toBeLessThanOrEqual((net?.x ?? 0) + (net?.width ?? 0) + 1);
  }
  const area = (box: typeof net) => (box?.width ?? 0) * (box?.height ?? 0);
  expect(area(body) / area(head)).toBeGreaterThan(1.5);
});

test("modules are found by path and kind, and by the operators that they ran", () => {
  expect(found(NODES, "  ")).toBeNull();
  expect([...(found(NODES, "HEAD") ?? [])]).toEqual([3]);
  expect(found(NODES, "linear")?.size).toBe(5);
  expect([...modulesWith(NODES, "mm")]).toEqual([1, 2]);
  expect([...modulesWith(NODES, "toString")]).toEqual([]);
});

test("the operators of a module are its own and those of all below it", () => {
  expect(operatorsIn(NODES, 1)).toEqual([
    { name: "mm", ms: 85 },
    { name: "add", ms: 2 },
  ]);
  expect(operatorsIn(NODES, 0)[1]).toEqual({ name: "add", ms: 11 });
});

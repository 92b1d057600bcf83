import { hierarchy, treemap, treemapSquarify } from "d3-hierarchy";
import type { ModuleRow, Profile } from "../reports/profile";
import { count, dataSize, duration, flops } from "./numbers";

/** One module in its tree; modules stand in the order of the tree, so those below one follow it up to `end`. */
export interface ModuleNode {
  index: number;
  row: ModuleRow;
  /** Below the module above it; the name of a root model. */
  name: string;
  /** With the name of its root model first. */
  path: string;
  parent: number;
  children: number[];
  /** Levels below its root; 0 for the root. */
  level: number;
  /** Index after the last module below it. */
  end: number;
}

/** Returns the modules as a tree; where some were left out, those below them hang on the nearest that is there. */
export function moduleTree(profile: Pick<Profile, "modules" | "roots">): ModuleNode[] {
  const open: ModuleNode[] = [];
  const nodes: ModuleNode[] = [];
  for (const [index, row] of profile.modules.entries()) {
    while (open.length && !isAbove(open[open.length - 1] as ModuleNode, row)) close(open, index);
    const above = open[open.length - 1];
    const root = profile.roots[row.root]?.name ?? "model";
    const inside = above?.row.path ? row.path.slice(above.row.path.length + 1) : row.path;
    const node: ModuleNode = {
      index,
      row,
      name: inside || (row.path ? row.path : root),
      path: row.path ? `${root}.${row.path}` : root,
      parent: above?.index ?? -1,
      children: [],
      level: open.length,
      end: index + 1,
    };
    above?.children.push(index);
    nodes.push(node);
    open.push(node);
  }
  while (open.length) close(open, nodes.length);
  return nodes;
}

function isAbove(node: ModuleNode, row: ModuleRow): boolean {
  if (node.row.root !== row.root || node.row.depth >= row.depth) return false;
  return node.row.path === "" || row.path.startsWith(`${node.row.path}.`);
}

function close(open: ModuleNode[], end: number): void {
  const done = open.pop();
  if (done) done.end = end;
}

/** What the area of a module may stand for. */
export const MEASURES = {
  time: { words: "forward time", value: (row: ModuleRow) => row.total_ms, write: duration },
  backward: { words: "backward time", value: (row: ModuleRow) => row.backward_ms ?? 0, write: duration },
  flops: { words: "FLOPs", value: (row: ModuleRow) => row.flops, write: flops },
  parameters: { words: "parameters", value: (row: ModuleRow) => row.parameters, write: count },
  activations: { words: "activations", value: (row: ModuleRow) => row.activation_bytes, write: dataSize },
} as const;
export type Measure = keyof typeof MEASURES;

/** Returns the measures of which the profile has figures. */
export function measuresOf(nodes: readonly ModuleNode[]): Measure[] {
  const all = Object.keys(MEASURES) as Measure[];
  return all.filter((measure) => nodes.some((node) => MEASURES[measure].value(node.row) > 0));
}

/** The rectangle of a module, in pixels. */
export interface Box {
  node: ModuleNode;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Room {
  width: number;
  /** Of one level of a flame graph, or of the whole treemap. */
  height: number;
}

const LEAST_PIXELS = 0.3;

/** Lays modules out as a flame graph: each as wide as its share of the one above it, `from` (or all roots) the whole. */
export function flame(
  nodes: readonly ModuleNode[],
  measure: Measure,
  from: number | null,
  levels: number,
  room: Room,
): Box[] {
  const { value } = MEASURES[measure];
  const boxes: Box[] = [];
  function below(siblings: readonly number[], x: number, width: number, level: number, whole: number): void {
    if (level >= levels) return;
    const sizes = siblings.map((index) => value((nodes[index] as ModuleNode).row));
    // those below may sum up to more than what is above them, such as for a module that is shared
    const all = Math.max(
      whole,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    if (all <= 0) return;
    let at = x;
    siblings.forEach((index, place) => {
      const wide = (width * (sizes[place] as number)) / all;
      if (wide >= LEAST_PIXELS) {
        const node = nodes[index] as ModuleNode;
        boxes.push({ node, x: at, y: level * room.height, width: wide, height: room.height });
        below(node.children, at, wide, level + 1, sizes[place] as number);
      }
      at += wide;
    });
  }
  below(from === null ? rootsOf(nodes) : [from], 0, room.width, 0, 0);
  return boxes;
}

/** Lays modules out as a treemap: those below one lie inside it. */
export function nested(
  nodes: readonly ModuleNode[],
  measure: Measure,
  from: number | null,
  levels: number,
  room: Room,
): Box[] {
  const { value } = MEASURES[measure];
  interface Datum {
    node: ModuleNode | null;
    below: readonly number[];
  }
  const top: Datum = from === null ? { node: null, below: rootsOf(nodes) } : datum(from);
  function datum(index: number): Datum {
    const node = nodes[index] as ModuleNode;
    return { node, below: node.children };
  }
  const base = from === null ? 0 : (nodes[from] as ModuleNode).level;
  const tree = hierarchy<Datum>(top, ({ node, below }) =>
    node !== null && node.level - base + 1 >= levels ? [] : below.map(datum),
  );
  // what a module has beyond those below it is its own
  tree.sum(({ node, below }) => {
    if (node === null) return 0;
    const whole = value(node.row);
    if (node.level - base + 1 >= levels) return whole;
    return Math.max(
      whole - below.reduce((sum, index) => sum + value((nodes[index] as ModuleNode).row), 0),
      0,
    );
  });
  const laid = treemap<Datum>()
    .tile(treemapSquarify)
    .size([room.width, room.height])
    .paddingTop(16)
    .paddingInner(1)(tree);
  return laid
    .descendants()
    .flatMap(({ data, x0, y0, x1, y1 }) =>
      data.node === null || x1 - x0 < LEAST_PIXELS
        ? []
        : [{ node: data.node, x: x0, y: y0, width: x1 - x0, height: y1 - y0 }],
    );
}

export function rootsOf(nodes: readonly ModuleNode[]): number[] {
  return nodes.filter((node) => node.parent < 0).map((node) => node.index);
}

/** Returns how many levels there are from a module (or from the roots) on. */
export function levelsOf(nodes: readonly ModuleNode[], from: number | null): number {
  const [start, end] = from === null ? [0, nodes.length] : [from, nodes[from]?.end ?? 0];
  let deepest = 0;
  for (let index = start; index < end; index++) deepest = Math.max(deepest, nodes[index]?.level ?? 0);
  return deepest - (from === null ? 0 : (nodes[from]?.level ?? 0)) + 1;
}

/** Returns the indices of the modules whose path or kind has `words` in it; null for no words. */
export function found(nodes: readonly ModuleNode[], words: string): Set<number> | null {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return null;
  const hits = nodes.filter(({ path, row }) => `${path} ${row.kind}`.toLowerCase().includes(wanted));
  return new Set(hits.map((node) => node.index));
}

/** One operator inside a module. */
export interface OperatorTime {
  name: string;
  ms: number;
}

/** Returns the operators of a module and of those below it, those with most time first. */
export function operatorsIn(nodes: readonly ModuleNode[], index: number): OperatorTime[] {
  const sums = new Map<string, number>();
  for (let at = index; at < (nodes[index]?.end ?? 0); at++) {
    for (const [name, ms] of Object.entries(nodes[at]?.row.operators ?? {})) {
      sums.set(name, (sums.get(name) ?? 0) + ms);
    }
  }
  return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

/** Returns the indices of the modules that ran an operator themselves. */
export function modulesWith(nodes: readonly ModuleNode[], operator: string): Set<number> {
  return new Set(nodes.filter(({ row }) => Object.hasOwn(row.operators, operator)).map((node) => node.index));
}

import { type Box, flame, levelsOf, MEASURES, type Measure, type ModuleNode, nested } from "../data/modules";
import { share } from "../data/numbers";
import { inkOn } from "../theme";
import { type CanvasView, canvasView, fitted } from "./canvas";

/** What the map of the modules shows; the view reads it each time it draws. */
export interface MapState {
  nodes: readonly ModuleNode[];
  layout: "flame" | "treemap";
  measure: Measure;
  /** The module that fills the map; null for all. */
  zoom: number | null;
  levels: number;
  /** Modules that stand out; null when all do. */
  found: ReadonlySet<number> | null;
  picked: number | null;
}

const LEVEL_PX = 22;
const TREEMAP_PX = 340;
const KEYS =
  "Arrow keys move between modules: up to the one above, down to the first below, left and right beside. " +
  "Enter chooses one and zooms into it, Escape zooms out.";

/** The modules as a flame graph or as a treemap, coloured by what binds them. */
export function moduleMap(
  host: HTMLElement,
  state: MapState,
  actions: { pick(index: number): void; out(): boolean },
): CanvasView {
  let boxes: Box[] = [];
  let byModule = new Map<number, Box>();

  function lay(width: number): number {
    const { nodes, measure, zoom, levels, layout } = state;
    const shown = Math.min(levels, levelsOf(nodes, zoom));
    const height = layout === "flame" ? LEVEL_PX : TREEMAP_PX;
    boxes = (layout === "flame" ? flame : nested)(nodes, measure, zoom, shown, { width, height });
    byModule = new Map(boxes.map((box) => [box.node.index, box]));
    return layout === "flame" ? LEVEL_PX * shown : TREEMAP_PX;
  }

  function box(index: number | undefined): Box | null {
    return index === undefined ? null : (byModule.get(index) ?? null);
  }

  function beside(from: Box, step: number): Box | null {
    const { parent, index } = from.node;
    const siblings = parent < 0 ? state.nodes.filter((node) => node.parent < 0) : null;
    const row = siblings?.map((node) => node.index) ?? state.nodes[parent]?.children ?? [];
    for (let at = row.indexOf(index) + step; at >= 0 && at < row.length; at += step) {
      const next = box(row[at]);
      if (next) return next;
    }
    return null;
  }

  return canvasView<Box>(host, {
    label: "Map of the modules",
    keys: KEYS,
    height: lay,
    paint(pen, _, colours) {
      for (const one of boxes) {
        const { node, x, y, width, height } = one;
        const fill = colours[node.row.bound ?? "unknown"];
        pen.globalAlpha = state.found === null || state.found.has(node.index) ? 1 : 0.22;
        pen.fillStyle = fill;
        pen.fillRect(x, y, Math.max(width - (width > 3 ? 1 : 0), LEAST), height - 1);
        if (state.layout === "treemap" && width > 3) {
          pen.strokeStyle = colours.page;
          pen.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
        }
        if (width > 34 && height > 13) {
          pen.fillStyle = inkOn(fill);
          const middle = state.layout === "flame" ? y + height / 2 : y + 9;
          pen.fillText(fitted(pen, node.name, width - 10), x + 5, middle);
        }
      }
      pen.globalAlpha = 1;
      const picked = box(state.picked ?? undefined);
      if (picked) outline(pen, picked, colours.ink, 2);
    },
    paintOver: (pen, _, colours, mark) => outline(pen, mark, colours.focus, 3),
    at(x, y) {
      // in a treemap the last that holds the point is the innermost
      for (let index = boxes.length - 1; index >= 0; index--) {
        const one = boxes[index] as Box;
        if (x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height) return one;
      }
      return null;
    },
    place: ({ x, y, width, height }) => ({
      x: x + Math.min(width / 2, 40),
      y: y + Math.min(height, LEVEL_PX),
    }),
    tell: ({ node }) => tellModule(state, node),
    step(key, from) {
      if (from === null) return key.startsWith("Arrow") || key === "Home" ? (boxes[0] ?? null) : null;
      const now = box(from.node.index) ?? (boxes[0] as Box);
      switch (key) {
        case "ArrowUp":
          return box(now.node.parent) ?? now;
        case "ArrowDown":
          return now.node.children.map(box).find((below) => below !== null) ?? now;
        case "ArrowLeft":
          return beside(now, -1) ?? now;
        case "ArrowRight":
          return beside(now, 1) ?? now;
        case "Home":
          return boxes[0] ?? null;
        default:
          return null;
      }
    },
    pick: ({ node }) => actions.pick(node.index),
    press: (key) => key === "Escape" && actions.out(),
  });
}

const LEAST = 0.5;

function outline(
  pen: CanvasRenderingContext2D,
  { x, y, width, height }: Box,
  colour: string,
  line: number,
): void {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  pen.strokeRect(x + line / 2, y + line / 2, Math.max(width - line, 1), Math.max(height - line - 1, 1));
}

function tellModule({ nodes, measure }: MapState, node: ModuleNode): string[] {
  const { value, write, words } = MEASURES[measure];
  const whole = nodes.filter((one) => one.parent < 0).reduce((sum, one) => sum + value(one.row), 0);
  const mine = value(node.row);
  const bound = node.row.bound === null ? "" : `bound by ${node.row.bound}`;
  const ceiling =
    node.row.share_of_ceiling === null ? "" : `, ${share(node.row.share_of_ceiling)} of the ceiling`;
  return [
    node.path,
    node.row.kind,
    `${write(mine)} ${words}${whole > 0 ? `, ${share(mine / whole)}` : ""}`,
    bound + ceiling,
  ].filter(Boolean);
}

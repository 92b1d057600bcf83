import { scaleLog } from "d3-scale";
import { conditionFacts } from "../data/comparison";
import { decibels, errorWords, layerName, layersHeadline, part, ROUNDING, size } from "../data/layers";
import { element } from "../dom";
import { LAYERS, type LayerRow, type Layers } from "../reports/comparison";
import { type Read, read } from "../reports/reading";
import type { View } from "../view";
import { type CanvasView, canvasView } from "./canvas";
import { factsView } from "./facts";
import { legend } from "./legend";
import { tableView } from "./table";

const HEIGHT = 230;
const EDGE = { left: 62, right: 10, top: 14, bottom: 24 };
const WIDEST = 60;
const KEYS =
  "Left and right arrow keys move from layer to layer, in the order in which they ran. M goes to the one that adds most.";

/** Reads a comparison of layers from JSON, or says why it cannot be drawn. */
export function readLayers(json: unknown): Read<Layers> {
  return read(json, "layers", LAYERS);
}

/** Two models layer by layer: where an error starts, and how it grows. */
export function layersView(host: HTMLElement, data: Layers): View<Layers> {
  let drawn = draw(host, data);
  return {
    update(report) {
      drawn.dispose();
      drawn = draw(host, report);
    },
    dispose: () => drawn.dispose(),
  };
}

function draw(host: HTMLElement, report: Layers): { dispose(): void } {
  const root = element("article", {
    class: "tauto",
    "aria-label": `${report.optimized} against ${report.original}`,
  });
  root.append(
    element("div", { class: "tauto-soft" }, `${report.optimized} against ${report.original}, layer by layer`),
    element("h2", { class: "tauto-headline" }, layersHeadline(report)),
  );
  host.append(root);
  const chart = report.rows.length ? errors(root, report) : null;
  if (report.closed) root.append(element("p", {}, report.closed));
  if (report.rows.length) table(root, report);
  if (report.unmatched.length) {
    tableView(root, report.unmatched, {
      caption: "Layers that were not compared",
      columns: [
        { title: "Layer", value: (row) => row.path, code: true },
        { title: "Kind", value: (row) => row.kind },
        { title: "In", value: (row) => row.side },
        { title: "Why", value: (row) => row.reason },
      ],
      more: "layers",
      limit: 10,
    });
  }
  factsView(root, conditionFacts(report.conditions));
  return {
    dispose() {
      chart?.dispose();
      root.remove();
    },
  };
}

/** The error of each layer's output, and what the layer itself adds to it, in the order in which they ran. */
function errors(host: HTMLElement, { rows, worst }: Layers): CanvasView {
  const finite = rows
    .flatMap((row) => [size(row.error), size(row.own)])
    .filter((one) => one !== null && one > 0 && Number.isFinite(one)) as number[];
  const top = Math.max(1, ...finite);
  const y = scaleLog([ROUNDING / 10, top], [1, 0]).clamp(true);
  let wide = 1;
  const left = (index: number) => EDGE.left + index * wide;
  const height = (value: number | null) =>
    y(value === null || Number.isNaN(value) ? ROUNDING / 10 : Math.max(value, ROUNDING / 10));

  const chart = canvasView<number>(host, {
    label: "Errors of the layers",
    keys: KEYS,
    height(width) {
      wide = Math.min((width - EDGE.left - EDGE.right) / rows.length, WIDEST);
      y.range([HEIGHT - EDGE.bottom, EDGE.top]);
      return HEIGHT;
    },
    paint(pen, { width }, colours) {
      pen.fillStyle = colours.soft;
      pen.strokeStyle = colours.line;
      pen.textAlign = "right";
      for (let tick = ROUNDING; tick <= top; tick *= 10) {
        pen.fillText(part(tick * 1.0000001), EDGE.left - 6, y(tick));
        pen.fillRect(EDGE.left, y(tick), width - EDGE.left - EDGE.right, 0.5);
      }
      pen.textAlign = "left";
      const bottom = HEIGHT - EDGE.bottom;
      const gap = wide > 4 ? 1 : 0;
      rows.forEach((row, index) => {
        pen.fillStyle = colours.unknown;
        const error = height(size(row.error));
        pen.fillRect(left(index), error, wide - gap, bottom - error);
        const own = height(size(row.own));
        pen.fillStyle = colours.compute;
        pen.fillRect(left(index) + wide * 0.25, own, wide / 2, bottom - own);
      });
      pen.fillStyle = colours.soft;
      pen.fillText("layers in the order in which they ran", EDGE.left, HEIGHT - 8);
    },
    paintOver(pen, _, colours, index) {
      pen.strokeStyle = colours.focus;
      pen.lineWidth = 2;
      pen.strokeRect(left(index) - 1, EDGE.top, Math.max(wide, 2) + 1, HEIGHT - EDGE.top - EDGE.bottom);
    },
    at(atX) {
      const index = Math.floor((atX - EDGE.left) / wide);
      return index >= 0 && index < rows.length ? index : null;
    },
    place: (index) => ({ x: left(index) + wide, y: EDGE.top }),
    tell(index) {
      const row = rows[index] as LayerRow;
      return [
        layerName(row),
        `error ${errorWords(row.error)}, SNR ${decibels(row.error.snr_db)}`,
        row.own ? `adds ${errorWords(row.own)} itself` : row.own_reason,
      ].filter(Boolean);
    },
    step(key, from) {
      const [now, last] = [from ?? -1, rows.length - 1];
      const most = Math.max(
        0,
        rows.findIndex((row) => row.path === worst),
      );
      const to: Record<string, number> = {
        ArrowRight: Math.min(now + 1, last),
        ArrowLeft: Math.max(now - 1, 0),
        Home: 0,
        End: last,
        m: most,
        M: most,
      };
      return to[key] ?? null;
    },
  });
  legend(
    host,
    [
      ["unknown", "error of the layer's output"],
      ["compute", "what the layer itself adds"],
    ],
    "Bars",
  );
  return chart;
}

function table(host: HTMLElement, report: Layers): void {
  tableView(host, report.rows, {
    caption: "Errors by layer",
    columns: [
      { title: "Layer", value: layerName, code: true },
      { title: "Kind", value: (row) => (row.kind === row.became ? row.kind : `${row.kind} → ${row.became}`) },
      { title: "SNR", value: (row) => row.error.snr_db, write: (row) => decibels(row.error.snr_db) },
      { title: "Error", value: (row) => size(row.error), write: (row) => errorWords(row.error) },
      {
        title: "Own",
        value: (row) => size(row.own),
        write: (row) => errorWords(row.own),
      },
      { title: "Inherited", value: (row) => row.inherited, write: (row) => part(row.inherited) },
      { title: "Calls", value: (row) => row.calls },
    ],
    more: "layers",
    limit: 20,
    leftOut: report.left_out.rows,
  });
}

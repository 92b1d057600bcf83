import { scaleLinear } from "d3-scale";
import { CATEGORIES, type Layer, peakPlace, siteName, stacked, stretches } from "../data/memory";
import { dataSize, duration, number, share } from "../data/numbers";
import { element } from "../dom";
import type { Memory } from "../reports/profile";
import { colours as coloursNamed } from "../theme";
import { canvasView } from "./canvas";
import { legend } from "./legend";
import { tableView } from "./table";

const HEIGHT = 280;
const EDGE = { left: 66, right: 12, top: 26, bottom: 36 };
const KEYS = "Left and right arrow keys move through time, Home and End to its ends. P goes to the peak.";

/** Memory over time, by what it is for, with its peak and where that was made. */
export function memoryView(host: HTMLElement, memory: Memory): () => void {
  const { layers, totals } = stacked(memory);
  const peakAt = totals.indexOf(Math.max(...totals));
  const last = memory.times_ms.length - 1;
  const x = scaleLinear([memory.times_ms[0] ?? 0, memory.times_ms[last] ?? 1], [0, 1]);
  const y = scaleLinear([0, Math.max(memory.peak.total_bytes, ...totals, 1) * 1.05], [1, 0]);
  const names = layers.map((layer) => `category-${layer.category}` as const);

  host.append(
    element(
      "p",
      {},
      element("strong", {}, `Peak: ${dataSize(memory.peak.total_bytes)}`),
      ` of tensors on ${memory.device}, ${duration(memory.peak.time_ms)} into the run. Made by `,
      element("code", {}, peakPlace(memory.peak) || "an unknown place"),
      ".",
    ),
  );

  const chart = canvasView<number>(host, {
    label: "Memory over time by what it is for",
    keys: KEYS,
    height(width) {
      x.range([EDGE.left, width - EDGE.right]);
      y.range([HEIGHT - EDGE.bottom, EDGE.top]);
      return HEIGHT;
    },
    paint(pen, { width }, theme) {
      pen.fillStyle = theme.soft;
      pen.strokeStyle = theme.line;
      pen.lineWidth = 1;
      pen.textAlign = "right";
      for (const tick of y.ticks(5)) {
        pen.globalAlpha = 0.5;
        line(pen, EDGE.left, y(tick), width - EDGE.right, y(tick));
        pen.globalAlpha = 1;
        pen.fillText(dataSize(tick), EDGE.left - 6, y(tick));
      }
      pen.textAlign = "center";
      for (const tick of x.ticks(Math.max(width / 120, 2))) {
        pen.fillText(duration(tick), x(tick), HEIGHT - EDGE.bottom + 14);
      }
      const fills = coloursNamed(host, names);
      for (const [from, to] of stretches(memory)) {
        layers.forEach((layer, index) => {
          pen.fillStyle = fills[names[index] as keyof typeof fills] ?? theme.soft;
          area(pen, layer, from, to);
        });
      }
      const at = x(memory.peak.time_ms);
      pen.strokeStyle = pen.fillStyle = theme.ink;
      pen.setLineDash([4, 3]);
      line(pen, at, EDGE.top - 4, at, HEIGHT - EDGE.bottom);
      pen.setLineDash([]);
      pen.textAlign = at > width / 2 ? "right" : "left";
      pen.fillText(
        `peak ${dataSize(memory.peak.total_bytes)}`,
        at + (at > width / 2 ? -4 : 4),
        EDGE.top - 12,
      );
      pen.textAlign = "left";
    },
    paintOver(pen, _, theme, moment) {
      pen.strokeStyle = theme.focus;
      pen.lineWidth = 2;
      const at = x(memory.times_ms[moment] ?? 0);
      line(pen, at, EDGE.top, at, HEIGHT - EDGE.bottom);
    },
    at(atX) {
      const time = x.invert(atX);
      if (atX < EDGE.left || atX > x(memory.times_ms[last] ?? 1)) return null;
      let moment = 0;
      // each moment's bytes hold until the next
      while (moment < last && (memory.times_ms[moment + 1] ?? 0) <= time) moment++;
      return moment;
    },
    place: (moment) => ({ x: x(memory.times_ms[moment] ?? 0), y: EDGE.top }),
    tell: (moment) => [
      `${dataSize(totals[moment])} after ${duration(memory.times_ms[moment])}`,
      ...layers
        .map((layer) => `${layer.words} ${dataSize((layer.high[moment] ?? 0) - (layer.low[moment] ?? 0))}`)
        .reverse(),
    ],
    step(key, from) {
      const now = from ?? peakAt;
      const to: Record<string, number> = {
        ArrowRight: Math.min(now + 1, last),
        ArrowLeft: Math.max(now - 1, 0),
        Home: 0,
        End: last,
        p: peakAt,
        P: peakAt,
      };
      return to[key] ?? null;
    },
  });

  function area(pen: CanvasRenderingContext2D, layer: Layer, from: number, to: number): void {
    const edge = (moment: number) => x(memory.times_ms[Math.min(moment, last)] ?? 0);
    const end = to - 1;
    pen.beginPath();
    pen.moveTo(edge(from), y(layer.low[from] ?? 0));
    for (let moment = from; moment <= end; moment++) {
      pen.lineTo(edge(moment), y(layer.high[moment] ?? 0));
      if (moment < end) pen.lineTo(edge(moment + 1), y(layer.high[moment] ?? 0));
    }
    for (let moment = end; moment >= from; moment--) {
      pen.lineTo(edge(moment), y(layer.low[moment] ?? 0));
      if (moment > from) pen.lineTo(edge(moment), y(layer.low[moment - 1] ?? 0));
    }
    pen.fill();
  }

  legend(
    host,
    layers.map((layer) => [`category-${layer.category}`, layer.words] as const).reverse(),
    "What the memory is for",
  );
  const whole = memory.peak.total_bytes || 1;
  const parts = Object.keys(CATEGORIES).filter(
    (name) => memory.peak.by_category[name] || memory.categories[name]?.some(Boolean),
  );
  tableView(host, parts, {
    caption: "What the peak is made of",
    columns: [
      { title: "What for", value: (name) => CATEGORIES[name] ?? name },
      {
        title: "At the peak",
        value: (name) => memory.peak.by_category[name] ?? 0,
        write: (name) => dataSize(memory.peak.by_category[name] ?? 0),
        bar: (name) => (memory.peak.by_category[name] ?? 0) / whole,
      },
      {
        title: "Share",
        value: (name) => (memory.peak.by_category[name] ?? 0) / whole,
        write: (name) => share((memory.peak.by_category[name] ?? 0) / whole),
      },
      {
        title: "Highest by itself",
        value: (name) => Math.max(0, ...(memory.categories[name] ?? [])),
        write: (name) => dataSize(Math.max(0, ...(memory.categories[name] ?? []))),
      },
    ],
    more: "categories",
  });
  sites(host, "Where memory is allocated", memory.sites);
  sites(host, "What stays from step to step", memory.growth_sites);
  return () => chart.dispose();
}

function sites(host: HTMLElement, caption: string, rows: Memory["sites"]): void {
  if (!rows.length) return;
  tableView(host, rows, {
    caption,
    columns: [
      { title: "Module", value: siteName, code: true },
      { title: "Operator", value: (site) => site.operator || null, code: true },
      { title: "Line", value: (site) => site.line || null, code: true },
      {
        title: "Bytes a step",
        value: (site) => site.bytes_per_step,
        write: (site) => dataSize(site.bytes_per_step),
      },
      {
        title: "Times a step",
        value: (site) => site.calls_per_step,
        write: (site) => number(site.calls_per_step),
      },
    ],
    more: "sites",
    limit: 10,
  });
}

function line(pen: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

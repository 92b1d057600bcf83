import { scaleLinear } from "d3-scale";
import { type QuantilePair, quantilePairs, timeScale } from "../data/comparison";
import { duration, ratio, share } from "../data/numbers";
import { element } from "../dom";
import type { Comparison } from "../reports/comparison";
import { canvasView } from "./canvas";
import { legend } from "./legend";
import { tableView } from "./table";

const HEIGHT = 230;
const EDGE = { left: 58, right: 14, top: 20, bottom: 38 };
const KEYS = "Left and right arrow keys move along the shares of the calls.";

/** The latencies of both sides: which share of the calls ended within which time. */
export function latenciesView(host: HTMLElement, { original, optimized }: Comparison): () => void {
  const pairs = quantilePairs(original.latency, optimized.latency);
  if (!pairs.length) return () => undefined;
  const { scale: x, ticks } = timeScale(pairs);
  const y = scaleLinear([0, 1], [1, 0]);
  const sides = ["original", "optimized"] as const;

  host.append(
    element("h3", { class: "tauto-title" }, "Latency: share of the calls that ended within a time"),
  );
  const chart = canvasView<QuantilePair>(host, {
    label: "Latencies of both sides",
    keys: KEYS,
    height(width) {
      x.range([EDGE.left, width - EDGE.right]);
      y.range([HEIGHT - EDGE.bottom, EDGE.top]);
      return HEIGHT;
    },
    paint(pen, { width }, colours) {
      pen.strokeStyle = colours.line;
      pen.fillStyle = colours.soft;
      pen.textAlign = "right";
      for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
        pen.globalAlpha = 0.5;
        path(pen, [
          [EDGE.left, y(tick)],
          [width - EDGE.right, y(tick)],
        ]);
        pen.globalAlpha = 1;
        pen.fillText(share(tick), EDGE.left - 6, y(tick));
      }
      pen.textAlign = "center";
      for (const tick of ticks(Math.max(width / 130, 2))) {
        pen.fillText(duration(tick), x(tick), HEIGHT - EDGE.bottom + 14);
      }
      pen.lineWidth = 2.5;
      sides.forEach((side, index) => {
        pen.strokeStyle = index ? colours.compute : colours.memory;
        // told apart without colours too
        pen.setLineDash(index ? [] : [6, 3]);
        path(
          pen,
          pairs.map((pair) => [x(pair[side]), y(pair.share)]),
        );
      });
      pen.setLineDash([]);
      pen.lineWidth = 1;
    },
    paintOver(pen, { width }, colours, pair) {
      pen.strokeStyle = colours.focus;
      path(pen, [
        [EDGE.left, y(pair.share)],
        [width - EDGE.right, y(pair.share)],
      ]);
      sides.forEach((side, index) => {
        pen.fillStyle = index ? colours.compute : colours.memory;
        pen.beginPath();
        pen.arc(x(pair[side]), y(pair.share), 5, 0, 2 * Math.PI);
        pen.fill();
      });
    },
    at(_, atY) {
      const wanted = y.invert(atY);
      if (wanted < -0.05 || wanted > 1.05) return null;
      const far = (pair: QuantilePair) => Math.abs(pair.share - wanted);
      return pairs.reduce((nearest, pair) => (far(pair) < far(nearest) ? pair : nearest));
    },
    place: (pair) => ({ x: x(Math.max(pair.original, pair.optimized)), y: y(pair.share) }),
    tell: (pair) => [
      `${share(pair.share)} of the calls ended within`,
      `original ${duration(pair.original)}`,
      `optimized ${duration(pair.optimized)} (${ratio(pair.original / pair.optimized)})`,
    ],
    step(key, from) {
      const now = from === null ? 5 : pairs.indexOf(from);
      const last = pairs.length - 1;
      const to = { ArrowRight: Math.min(now + 1, last), ArrowLeft: Math.max(now - 1, 0), Home: 0, End: last }[
        key
      ];
      return to === undefined ? null : (pairs[to] ?? null);
    },
  });
  legend(
    host,
    [
      ["memory", `${original.name} (original, broken line)`],
      ["compute", `${optimized.name} (optimized)`],
    ],
    "Sides",
  );
  const details = element("details", {}, element("summary", {}, "The same as a table"));
  host.append(details);
  tableView(details, pairs, {
    caption: "Latency by share of the calls",
    columns: [
      { title: "Share of the calls", value: (pair) => pair.share, write: (pair) => share(pair.share) },
      { title: "Original", value: (pair) => pair.original, write: (pair) => duration(pair.original) },
      { title: "Optimized", value: (pair) => pair.optimized, write: (pair) => duration(pair.optimized) },
    ],
    more: "shares",
  });
  return () => chart.dispose();
}

function path(pen: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}

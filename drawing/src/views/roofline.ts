import { scaleLog } from "d3-scale";
import type { ModuleNode } from "../data/modules";
import { duration, number, share } from "../data/numbers";
import { ceilingLines, decades, type RooflinePoint, rooflinePoints } from "../data/roofline";
import { element } from "../dom";
import type { Ceiling, Profile } from "../reports/profile";
import type { Store } from "../store";
import type { Colours } from "../theme";
import { canvasView, fitted } from "./canvas";
import { boundLegend } from "./legend";
import { tableView } from "./table";

const HEIGHT = 360;
const EDGE = { left: 58, right: 12, top: 26, bottom: 40 };
const REACH_PX = 14;
const NARROW_PX = 480;
const KEYS = "Left and right arrow keys move from module to module by intensity. Enter chooses one.";

/** Every module a point: how much it computes for each byte, and how fast; the measured ceilings are lines. */
export function rooflineView(
  host: HTMLElement,
  profile: Profile,
  nodes: readonly ModuleNode[],
  picked: Store<number | null>,
): () => void {
  const points = rooflinePoints(nodes);
  if (!points.length) {
    host.append(element("p", {}, "No module's work and traffic are both known, so there is no roofline."));
    return () => undefined;
  }
  const { flat, slanted } = ceilingLines(profile.ceilings);
  const x = scaleLog(decades(points.map((point) => point.intensity)), [0, 1]);
  const speeds = [...points.map((point) => point.gflops), ...flat.map((one) => one.value)];
  // room above the highest ceiling for its name
  const y = scaleLog([decades(speeds)[0], Math.max(...speeds) * 2.5], [1, 0]);
  let placed: { point: RooflinePoint; x: number; y: number }[] = [];

  const chart = canvasView<RooflinePoint>(host, {
    label: "Roofline of the modules",
    keys: KEYS,
    height(width) {
      x.range([EDGE.left, width - EDGE.right]);
      y.range([HEIGHT - EDGE.bottom, EDGE.top]);
      placed = points.map((point) => ({ point, x: x(point.intensity), y: y(point.gflops) }));
      return HEIGHT;
    },
    paint(pen, { width }, colours) {
      axes(pen, width, colours.soft, colours.line);
      pen.save();
      pen.beginPath();
      pen.rect(EDGE.left, EDGE.top, width - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom);
      pen.clip();
      ceilings(pen, width, colours);
      pen.globalAlpha = 0.75;
      for (const one of placed) {
        pen.fillStyle = pen.strokeStyle = colours[one.point.node.row.bound ?? "unknown"];
        dot(pen, one.x, one.y, 4, one.point.node.children.length === 0);
      }
      pen.globalAlpha = 1;
      const chosen = placed.find(({ point }) => point.node.index === picked.value);
      if (chosen) {
        pen.strokeStyle = colours.ink;
        pen.lineWidth = 2;
        dot(pen, chosen.x, chosen.y, 8, false);
      }
      pen.restore();
    },
    paintOver(pen, _, colours, mark) {
      pen.strokeStyle = colours.focus;
      pen.lineWidth = 3;
      dot(pen, x(mark.intensity), y(mark.gflops), 7, false);
    },
    at(atX, atY) {
      let [nearest, least]: [RooflinePoint | null, number] = [null, REACH_PX ** 2];
      for (const one of placed) {
        const distance = (one.x - atX) ** 2 + (one.y - atY) ** 2;
        if (distance < least) [nearest, least] = [one.point, distance];
      }
      return nearest;
    },
    place: (mark) => ({ x: x(mark.intensity), y: y(mark.gflops) }),
    tell: tellPoint,
    step(key, from) {
      const now = from === null ? -1 : points.indexOf(from);
      const last = points.length - 1;
      const to = { ArrowRight: Math.min(now + 1, last), ArrowLeft: Math.max(now - 1, 0), Home: 0, End: last }[
        key
      ];
      return to === undefined ? null : (points[to] ?? null);
    },
    pick: (mark) => picked.set(mark.node.index),
  });

  function axes(pen: CanvasRenderingContext2D, width: number, ink: string, line: string): void {
    pen.fillStyle = ink;
    pen.strokeStyle = line;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.5;
    pen.beginPath();
    for (const tick of powers(x.domain())) {
      pen.moveTo(x(tick), EDGE.top);
      pen.lineTo(x(tick), HEIGHT - EDGE.bottom);
    }
    for (const tick of powers(y.domain())) {
      pen.moveTo(EDGE.left, y(tick));
      pen.lineTo(width - EDGE.right, y(tick));
    }
    pen.stroke();
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    for (const tick of powers(x.domain())) pen.fillText(plain(tick), x(tick), HEIGHT - EDGE.bottom + 12);
    pen.fillText("FLOP for each byte moved", (EDGE.left + width - EDGE.right) / 2, HEIGHT - 8);
    pen.textAlign = "right";
    for (const tick of powers(y.domain())) pen.fillText(plain(tick), EDGE.left - 6, y(tick));
    pen.textAlign = "left";
    pen.fillText("GFLOP/s", 2, 8);
  }

  function ceilings(pen: CanvasRenderingContext2D, width: number, { ink, page }: Colours): void {
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1.5;
    const [low, high] = x.domain() as [number, number];
    const top = Math.max(...flat.map((one) => one.value), y.domain()[1] as number);
    for (const one of slanted) {
      // GB/s times FLOP a byte are GFLOP/s, up to the highest ceiling of arithmetic
      const end = Math.min(high, top / one.value);
      stroke(pen, x(low), y(one.value * low), x(end), y(one.value * end));
    }
    for (const one of flat) stroke(pen, EDGE.left, y(one.value), width - EDGE.right, y(one.value));
    // names above every line, each on a ground of its own: lines may cross
    pen.strokeStyle = page;
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    const slope = Math.atan2(y(10) - y(1), x(10) - x(1));
    for (const one of slanted) {
      const start = Math.max(low, (y.domain()[0] as number) / one.value);
      label(pen, ceilingWords(one, width), x(start) + 8, y(one.value * start), slope);
    }
    pen.textAlign = "right";
    for (const one of flat) {
      const words = fitted(pen, ceilingWords(one, width), width - EDGE.left - 60);
      label(pen, words, width - EDGE.right - 4, y(one.value), 0);
    }
    pen.textAlign = "left";
  }

  boundLegend(host);
  host.append(
    element(
      "p",
      { class: "tauto-soft" },
      "A filled point is a module without others below it. Ceilings were measured here.",
    ),
  );
  const details = element("details", {}, element("summary", {}, "The same as a table"));
  host.append(details);
  const table = tableView(details, points, {
    caption: "Modules in the roofline",
    columns: [
      { title: "Module", value: ({ node }) => node.path, code: true },
      { title: "FLOP a byte", value: (point) => point.intensity, write: (point) => number(point.intensity) },
      { title: "GFLOP/s", value: (point) => point.gflops, write: (point) => number(point.gflops) },
      { title: "Bound by", value: ({ node }) => node.row.bound },
      {
        title: "Of the ceiling",
        value: ({ node }) => node.row.share_of_ceiling,
        write: ({ node }) => share(node.row.share_of_ceiling),
      },
    ],
    more: "modules",
    sort: 2,
    limit: 15,
    pick: ({ node }) => picked.set(node.index),
    picked: ({ node }) => node.index === picked.value,
  });
  const forget = picked.listen(() => {
    chart.redraw();
    table.refresh();
  });
  return () => {
    forget();
    chart.dispose();
  };
}

function tellPoint({ node, intensity, gflops }: RooflinePoint): string[] {
  const { bound, share_of_ceiling, total_ms, kind } = node.row;
  return [
    node.path,
    `${kind}, ${duration(total_ms)}`,
    `${number(gflops)} GFLOP/s at ${number(intensity)} FLOP a byte`,
    bound === null ? "" : `bound by ${bound}, ${share(share_of_ceiling)} of the ceiling`,
  ].filter(Boolean);
}

function powers([low = 1, high = 10]: number[]): number[] {
  const all: number[] = [];
  for (let power = Math.round(Math.log10(low)); power <= Math.floor(Math.log10(high) + 1e-9); power++)
    all.push(10 ** power);
  return all;
}

/** A power of ten as an axis has it: `0.01`, `1`, `1,000`. */
function plain(power: number): string {
  return power.toLocaleString("en-US", { maximumFractionDigits: 9 });
}

/** A ceiling's name and height; where there is little room, of "matrix product, int8" the last words. */
function ceilingWords({ resource, value, unit }: Ceiling, width: number): string {
  const name = width < NARROW_PX ? (resource.split(", ").at(-1) ?? resource) : resource;
  return `${name} ${number(value)} ${unit}`;
}

function stroke(pen: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

function label(pen: CanvasRenderingContext2D, words: string, x: number, y: number, slope: number): void {
  pen.save();
  pen.translate(x, y);
  pen.rotate(slope);
  pen.strokeText(words, 0, -8);
  pen.fillText(words, 0, -8);
  pen.restore();
}

function dot(pen: CanvasRenderingContext2D, x: number, y: number, radius: number, full: boolean): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  if (full) pen.fill();
  else pen.stroke();
}

import { number } from "../data/numbers";
import { drawn, element } from "../dom";

const [WIDTH, HEIGHT] = [320, 110];

/** Bins over one range: filled as they are, an outline as they were. */
export interface Histogram {
  name: string;
  low: number;
  high: number;
  before: readonly number[];
  after: readonly number[];
}

export function histogramFigure(data: Histogram, caption: string): HTMLElement {
  const { name, low, high, before, after } = data;
  const top = Math.max(...before, ...after, 1);
  const step = WIDTH / Math.max(after.length, 1);
  const y = (bin: number) => HEIGHT - (bin / top) * HEIGHT;
  const bars = after.map((bin, index) =>
    drawn("rect", {
      class: "tauto-after",
      x: index * step,
      y: y(bin),
      width: Math.max(step - 1, 0.5),
      height: HEIGHT - y(bin),
    }),
  );
  const outline = before.map((bin, index) => `${index * step},${y(bin)} ${(index + 1) * step},${y(bin)}`);
  const [from, to] = [number(low), number(high)];
  const drawing = drawn(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT + 16}`,
      class: "tauto-histogram",
      role: "img",
      "aria-label": `Histogram of the weights of ${name}, from ${from} to ${to}`,
    },
    ...bars,
    drawn("polyline", { class: "tauto-before", points: outline.join(" ") }),
    drawn("text", { class: "tauto-tick", x: 0, y: HEIGHT + 13 }, from),
    drawn("text", { class: "tauto-tick", x: WIDTH, y: HEIGHT + 13, "text-anchor": "end" }, to),
  );
  return element("figure", {}, drawing, element("figcaption", { class: "tauto-soft" }, caption));
}

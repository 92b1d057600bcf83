import { scaleLog } from "d3-scale";
import { ratio } from "../data/numbers";
import { drawn } from "../dom";
import type { Interval } from "../reports/profile";

const [WIDTH, HEIGHT, EDGE] = [260, 46, 8];
/** Of the middles of two figures that can be read side by side, in pixels. */
const APART = 30;

/** A speedup that was expected beside the one that was measured, against no change (1×). Words beside it say the same. */
export function gainBar(
  expected: number | null,
  measured: { speedup: number; interval: Interval } | null,
): SVGElement {
  const values = [
    1,
    expected ?? 1,
    measured?.speedup ?? 1,
    measured?.interval.low ?? 1,
    measured?.interval.high ?? 1,
  ];
  const sane = values.map((value) => Math.min(Math.max(value, 0.05), 50));
  const x = scaleLog(
    [Math.min(0.9, ...sane) * 0.95, Math.max(1.2, ...sane) * 1.05],
    [EDGE, WIDTH - EDGE],
  ).clamp(true);
  const marks: Node[] = [drawn("line", { x1: x(1), x2: x(1), y1: 2, y2: 32, class: "tauto-one" })];
  // the measured figure is the one to read where both would stand on one another
  if (measured === null || Math.abs(x(measured.speedup) - x(1)) > APART) {
    marks.push(drawn("text", { x: x(1), y: 43, class: "tauto-tick", "text-anchor": "middle" }, "1×"));
  }
  if (expected !== null) {
    marks.push(drawn("circle", { cx: x(expected), cy: 10, r: 4.5, class: "tauto-expected" }));
  }
  if (measured !== null) {
    const { low, high } = measured.interval;
    marks.push(
      drawn("line", { x1: x(low), x2: x(high), y1: 24, y2: 24, class: "tauto-interval" }),
      drawn("circle", { cx: x(measured.speedup), cy: 24, r: 4.5, class: "tauto-measured" }),
      drawn(
        "text",
        { x: x(measured.speedup), y: 43, class: "tauto-tick", "text-anchor": "middle" },
        ratio(measured.speedup),
      ),
    );
  }
  const box = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
  return drawn("svg", { ...box, class: "tauto-gain", "aria-hidden": "true" }, ...marks);
}

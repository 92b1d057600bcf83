import { count, share } from "../data/numbers";
import { element } from "../dom";
import type { Picture } from "../reports/pictures";
import type { View } from "../view";
import { histogramFigure } from "./histogram";

const CELL = 5;

/** One layer's weights before and after: their histograms over one range, and where they are zero. */
export function weightsOfView(host: HTMLElement, data: Picture): View<Picture> {
  const root = element("section", { class: "tauto-weights" });
  host.append(root);

  function update(picture: Picture): void {
    const shape = picture.shape_before.join(" × ");
    const words = `${count(sum(picture.before))} weights (${shape}); zeros: ${share(picture.zeros_before)} before, ${share(picture.zeros_after)} after`;
    root.replaceChildren(
      histogramFigure(
        picture,
        "Weights before (outline) and after (filled), over one range; zeros are in no bin.",
      ),
      ...maps(picture),
      element(
        "p",
        { class: "tauto-soft" },
        `${words}${picture.pattern ? `; pattern ${picture.pattern}` : ""}.`,
      ),
    );
  }

  update(data);
  return { update, dispose: () => root.remove() };
}

const sum = (bins: readonly number[]): number => bins.reduce((total, bin) => total + bin, 0);

function figure(drawing: Element, caption: string): HTMLElement {
  return element("figure", {}, drawing, element("figcaption", { class: "tauto-soft" }, caption));
}

/** Where the zeros are: the first rows sign by sign, and the whole in tenths. */
function maps(picture: Picture): HTMLElement[] {
  const found: HTMLElement[] = [];
  if (picture.corner.length > 0) {
    const rows = picture.corner.map((row) => [...row].map((sign) => (sign === "#" ? 0 : 1)));
    found.push(
      figure(
        map(rows, `Zeros of the first weights of ${picture.name}`),
        "The first rows (outputs) and columns (inputs): zeros are light.",
      ),
    );
  }
  if (picture.tenths.length > 0) {
    const rows = picture.tenths.map((row) => [...row].map((sign) => Number.parseInt(sign, 16) / 10));
    found.push(
      figure(
        map(rows, `Share of zeros over the whole of ${picture.name}`),
        "The whole matrix in a coarse grid: the lighter, the more zeros.",
      ),
    );
  }
  return found;
}

function map(rows: readonly (readonly number[])[], label: string): HTMLCanvasElement {
  const [width, height] = [Math.max(...rows.map((row) => row.length), 1), rows.length];
  const canvas = element("canvas", {
    class: "tauto-picture",
    width: width * CELL,
    height: height * CELL,
    role: "img",
    "aria-label": label,
  });
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  rows.forEach((row, y) => {
    row.forEach((zeros, x) => {
      context.fillStyle = `rgb(0 90 160 / ${1 - zeros})`;
      context.fillRect(x * CELL, y * CELL, CELL - 0.5, CELL - 0.5);
    });
  });
  return canvas;
}

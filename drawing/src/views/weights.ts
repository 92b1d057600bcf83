import { decibels } from "../data/layers";
import { count, dataSize, number, plural, share } from "../data/numbers";
import { element } from "../dom";
import type { WeightRow, Weights } from "../reports/weights";
import type { View } from "../view";
import { histogramFigure } from "./histogram";
import { tableView } from "./table";

/** The weights of a model: a table of all parameters, and the histogram of the one that is picked. */
export function weightsView(host: HTMLElement, data: Weights): View<Weights> {
  let root = drawn(host, data);
  return {
    update(report) {
      root.remove();
      root = drawn(host, report);
    },
    dispose: () => root.remove(),
  };
}

function drawn(host: HTMLElement, report: Weights): HTMLElement {
  const title = `Weights of ${report.model}`;
  const root = element(
    "article",
    { class: "tauto", "aria-label": title },
    element("div", { class: "tauto-soft" }, title),
    element(
      "h2",
      { class: "tauto-headline" },
      `${count(report.elements)} weights in ${plural(report.rows.length, "parameter")}, ${dataSize(report.size_bytes)}`,
    ),
  );
  host.append(root);
  let picked = largest(report.rows);
  const picture = element("section", { "aria-live": "polite" });
  const table = tableView(root, report.rows, {
    caption: "Parameters, in order of the model",
    columns: [
      { title: "Parameter", value: (row) => row.name, code: true },
      { title: "Kind", value: (row) => row.kind },
      { title: "Shape", value: (row) => row.shape.join(" × ") },
      { title: "Weights", value: (row) => row.elements, write: (row) => count(row.elements) },
      { title: "Zeros", value: (row) => row.zeros, write: (row) => share(row.zeros) },
      { title: "Deviation", value: (row) => row.deviation, write: (row) => number(row.deviation) },
      { title: "Outliers", value: (row) => row.outliers, write: (row) => count(row.outliers) },
      { title: "Smallest half", value: (row) => row.smallest_half, write: (row) => share(row.smallest_half) },
      {
        title: "int8, one scale",
        value: (row) => row.int8_tensor_db,
        write: (row) => decibels(row.int8_tensor_db),
      },
      {
        title: "int8, by channel",
        value: (row) => row.int8_channel_db,
        write: (row) => decibels(row.int8_channel_db),
      },
    ],
    more: "parameters",
    leftOut: report.left_out.rows ?? 0,
    picked: (row) => row === picked,
    pick(row) {
      picked = row;
      table.refresh();
      show();
    },
  });
  root.append(
    element(
      "p",
      { class: "tauto-soft" },
      "Smallest half is the share of the squared sum that the smaller half of the weights makes. The last two are the signal over noise of rounding to int8.",
    ),
    picture,
  );

  function show(): void {
    if (picked === undefined) return;
    picture.replaceChildren(
      element("h3", { class: "tauto-title" }, "Histogram of ", element("code", {}, picked.name)),
      histogramFigure({ ...picked, after: picked.histogram, before: [] }, describe(picked)),
    );
  }
  show();
  return root;
}

function largest(rows: readonly WeightRow[]): WeightRow | undefined {
  return [...rows].sort((a, b) => b.elements - a.elements)[0];
}

function describe(row: WeightRow): string {
  const dead =
    row.dead_channels > 0 ? `; ${plural(row.dead_channels, "dead channel")} of ${count(row.channels)}` : "";
  const odd = row.not_finite > 0 ? `; ${count(row.not_finite)} not finite` : "";
  return `From ${number(row.low)} to ${number(row.high)}, mean ${number(row.mean)}${dead}${odd}.`;
}

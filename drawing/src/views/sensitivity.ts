import { conditionFacts } from "../data/comparison";
import { dataSize, plural, share } from "../data/numbers";
import { dropWords, errorSize, errorWords, headline, qualityWords, worst } from "../data/sensitivity";
import { element } from "../dom";
import type { Sensitivity, SensitivityRow } from "../reports/sensitivity";
import type { View } from "../view";
import { factsView } from "./facts";
import { type Column, tableView } from "./table";

/** Which layers suffer when they alone are quantized, the worst first. */
export function sensitivityView(host: HTMLElement, data: Sensitivity): View<Sensitivity> {
  let root = drawn(host, data);
  return {
    update(report) {
      root.remove();
      root = drawn(host, report);
    },
    dispose: () => root.remove(),
  };
}

function drawn(host: HTMLElement, report: Sensitivity): HTMLElement {
  const title = `Sensitivity of ${report.model} to int${report.bits}`;
  const root = element(
    "article",
    { class: "tauto", "aria-label": title },
    element("div", { class: "tauto-soft" }, title),
    element("h2", { class: "tauto-headline" }, headline(report)),
    report.interrupted ? element("p", {}, "Interrupted: this is what was measured until then.") : null,
  );
  host.append(root);
  tableView(root, report.rows, {
    caption: "Each layer quantized alone, the most harmful first",
    columns: columns(report),
    more: "layers",
    limit: 40,
    leftOut: report.left_out.rows ?? 0,
  });
  root.append(element("p", { class: "tauto-soft" }, HOW_TO_READ));
  if (report.together !== null) root.append(element("p", {}, together(report)));
  if (report.unmeasured.length > 0) {
    tableView(root, report.unmeasured, {
      caption: "Left open",
      columns: [
        { title: "Layer", value: (one) => one.path, code: true },
        { title: "Kind", value: (one) => one.kind },
        { title: "Why", value: (one) => one.reason },
      ],
      more: "layers",
      limit: 10,
    });
  }
  factsView(root, [
    ["Measured over", `${plural(report.samples, "sample")} in ${plural(report.batches, "batch")}`],
    ...(report.together_quality.length > 0
      ? [["Quality rule", report.quality_rule] as [string, string]]
      : []),
    ...conditionFacts(report.conditions),
  ]);
  return root;
}

const HOW_TO_READ =
  "Outputs is the signal over noise of what the model returns when this layer alone is quantized, in dB: 20 dB less is ten times the error. Own is that of the layer's own output. Bars: the relative error of the model's outputs. Weights and Saves are bytes, by shapes. Time is an estimate and no measurement.";

function columns(report: Sensitivity): Column<SensitivityRow>[] {
  const sizes = report.rows.map((row) => errorSize(row.error) ?? 0).filter(Number.isFinite);
  const top = Math.max(...sizes, 1e-12);
  const rated = report.rows.some((row) => row.quality.length > 0);
  const quality: Column<SensitivityRow> = {
    title: "Quality",
    value: (row) => worst(row.quality)?.drop ?? null,
    write: qualityWords,
  };
  return [
    { title: "Layer", value: (row) => row.path, code: true },
    { title: "Kind", value: (row) => row.kind },
    {
      title: "Outputs",
      value: (row) => row.error?.snr_db ?? null,
      write: (row) => errorWords(row.error),
      bar: (row) => (errorSize(row.error) ?? 0) / top,
    },
    { title: "Own", value: (row) => row.own?.snr_db ?? null, write: (row) => errorWords(row.own) },
    ...(rated ? [quality] : []),
    { title: "Weights", value: (row) => row.size_bytes, write: (row) => dataSize(row.size_bytes) },
    { title: "Saves", value: (row) => row.saved_bytes, write: (row) => dataSize(row.saved_bytes) },
    { title: "Work", value: (row) => row.work_share, write: (row) => share(row.work_share) },
    { title: "Time, at best", value: (row) => row.time_saved, write: (row) => share(row.time_saved) },
  ];
}

function together(report: Sensitivity): string {
  const all = `All ${plural(report.rows.length, "layer")} quantized together: outputs at ${errorWords(report.together)}`;
  const one = worst(report.together_quality);
  return `${all}${one === null ? "" : `, ${one.metric} ${dropWords(one.metric, one.drop, one.held)}`}.`;
}

import { changeRows, conditionFacts, headline } from "../data/comparison";
import { count, duration, number, plural, ratio, share } from "../data/numbers";
import { element } from "../dom";
import { COMPARISON, type Comparison } from "../reports/comparison";
import { type Read, read } from "../reports/reading";
import type { View } from "../view";
import { changesView } from "./changes";
import { factsView } from "./facts";
import { gainBar } from "./gain";
import { latenciesView } from "./latencies";

/** Reads a comparison from JSON, or says why it cannot be drawn. */
export function readComparison(json: unknown): Read<Comparison> {
  return read(json, "comparison", COMPARISON);
}

/** Before and after: latencies, size, memory, quality. `below` is where a host may add what it knows. */
export function comparisonView(host: HTMLElement, data: Comparison): View<Comparison> {
  let drawn = draw(host, data);
  return {
    update(report) {
      drawn.dispose();
      drawn = draw(host, report);
    },
    dispose: () => drawn.dispose(),
  };
}

function draw(host: HTMLElement, report: Comparison): { dispose(): void } {
  const { original, optimized, speedup, speedup_interval } = report;
  const title = `${optimized.name} against ${original.name}`;
  const root = element(
    "article",
    { class: "tauto", "aria-label": title },
    element("div", { class: "tauto-soft" }, title),
    element("h2", { class: "tauto-headline" }, headline(report)),
    gainBar(null, { speedup, interval: speedup_interval }),
    element(
      "div",
      { class: "tauto-soft" },
      `Speedup by pairs of blocks: ${ratio(speedup, speedup_interval)}, ${report.settled ? 95 : 99} % confidence.`,
    ),
  );
  host.append(root);
  const end = latenciesView(root, report);
  changesView(root, "Before and after", changeRows(report), ["Original", "Optimized"]);
  for (const reason of new Set([original.memory.reason, optimized.memory.reason])) {
    if (reason) root.append(element("p", { class: "tauto-soft" }, `Memory: ${reason}`));
  }
  factsView(root, [...conditionFacts(report.conditions), ...proof(report)]);
  return {
    dispose() {
      end();
      root.remove();
    },
  };
}

function proof(report: Comparison): [string, string][] {
  const { original, settled, quality_held, quality_rule, agreement, preparation_s, break_even_calls } =
    report;
  const verdict = quality_held === null ? "unproved" : quality_held ? "held" : "not held";
  const facts: [string, string][] = [
    [
      "Timed",
      `${count(original.latency.calls)} timed calls a side in ${plural(original.latency.blocks, "interleaved block")}, ` +
        (settled ? "until settled" : "until the time cap, so the interval is wider than ±3 %"),
    ],
    ["Quality", `${verdict}: ${quality_rule.replace(`${verdict}: `, "")}`],
  ];
  if (agreement) {
    const same =
      agreement.same_answer === null ? "" : `, same answer for ${share(agreement.same_answer)} of them`;
    facts.push([
      "Outputs",
      `over ${plural(agreement.samples, "sample")}: worst cosine ${number(agreement.cosine, 5)}, worst relative error ${share(agreement.relative_error)}${same}`,
    ]);
  }
  if (preparation_s !== null) {
    const pays =
      break_even_calls === null
        ? "it does not pay for itself by speed"
        : `it pays for itself after ${plural(break_even_calls, "call")}`;
    facts.push(["Preparation", `prepared in ${duration(preparation_s * 1000)}; ${pays}`]);
  }
  return facts;
}

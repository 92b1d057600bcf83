import type { Estimate } from "../data/choices";
import { decibels } from "../data/layers";
import { dataSize, duration, ratio, share, UNKNOWN } from "../data/numbers";
import { dropWords } from "../data/sensitivity";
import { element } from "../dom";
import type { Choices } from "../reports/choices";
import type { Comparison } from "../reports/comparison";
import type { Answer } from "../reports/measured";
import type { View } from "../view";

/** What choices are expected to bring, and what they brought where that was measured. */
export interface Effects {
  options: Choices;
  estimate: Estimate;
  /** Of the choices now or before; null where nothing was measured. */
  answer: Answer | null;
  /** Whether `answer` is about the choices as they are now. */
  current: boolean;
}

export function effectsView(host: HTMLElement, data: Effects): View<Effects> {
  const body = element("tbody");
  const measuredHead = element("th", { scope: "col" });
  const root = element(
    "div",
    { class: "tauto-scroll", tabindex: 0, role: "group", "aria-label": "The effect of what is chosen" },
    element(
      "table",
      { class: "tauto-table tauto-effects" },
      element("caption", {}, "The effect of what is chosen"),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "Of the model"),
          element("th", { scope: "col" }, "Estimated"),
          measuredHead,
        ),
      ),
      body,
    ),
  );
  host.append(root);

  function update(effects: Effects): void {
    const found = effects.answer?.comparison ?? null;
    measuredHead.textContent =
      found === null || effects.current ? "Measured" : "Measured of the choices before";
    root.classList.toggle("tauto-stale", found !== null && !effects.current);
    body.replaceChildren(
      ...lines(effects, found).map(([name, expected, measured]) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, name),
          element("td", {}, expected),
          element("td", {}, measured),
        ),
      ),
    );
  }

  update(data);
  return { update, dispose: () => root.remove() };
}

type Line = [string, string, string];

function lines({ options, estimate }: Effects, found: Comparison | null): Line[] {
  const sized = (bytes: number, whole: number) => `${dataSize(bytes)} (${ratio(bytes / whole)})`;
  const error = found?.agreement?.relative_error;
  const heard = error === undefined ? UNKNOWN : decibels(-20 * Math.log10(error));
  return [
    [
      "Size",
      sized(estimate.sizeBytes, options.size_bytes),
      found === null ? UNKNOWN : sized(found.optimized.size_bytes, found.original.size_bytes),
    ],
    [
      "Outputs, signal over noise",
      estimate.snrDb === Number.POSITIVE_INFINITY ? "unchanged" : decibels(estimate.snrDb),
      found === null ? UNKNOWN : heard,
    ],
    ...qualityLines(options, estimate, found),
    [
      "Time of a call",
      estimate.timeSaved === null ? "not expected to fall" : `${share(estimate.timeSaved)} less at best`,
      found === null
        ? UNKNOWN
        : `${duration(found.optimized.latency.p50_ms)}, speedup ${ratio(found.speedup, found.speedup_interval)}`,
    ],
    ["Zeros among these weights", share(estimate.zeros), UNKNOWN],
  ];
}

function qualityLines(options: Choices, estimate: Estimate, found: Comparison | null): Line[] {
  const measured = new Map(found?.quality.map((one) => [one.metric, one]));
  const metrics = [...new Set([...(options.metric ? [options.metric] : []), ...measured.keys()])];
  return metrics.map((metric): Line => {
    const one = measured.get(metric);
    const expected = metric === options.metric ? estimate.drop : null;
    const allowed = options.allowed_drop ?? Number.POSITIVE_INFINITY;
    return [
      metric,
      expected === null ? UNKNOWN : dropWords(metric, expected, expected <= allowed),
      one === undefined ? UNKNOWN : dropWords(metric, one.drop, one.held),
    ];
  });
}

import { CAUSES, expectedWords, triedWords } from "../data/findings";
import { duration } from "../data/numbers";
import { element } from "../dom";
import type { Finding } from "../reports/profile";
import type { Store } from "../store";
import { gainBar } from "./gain";

/** A trial of a fix, as the kernel tells of it. */
export interface Trial {
  /** Number of the finding, from 1; 0 for none. */
  finding: number;
  state: "none" | "waiting" | "running" | "ended";
  /** What is happening, or what came of it. */
  words: string;
  done: number | null;
  seconds_left: number | null;
  /** Whether {@link Trying.stop} can end it. */
  stoppable: boolean;
}

export const NO_TRIAL: Trial = {
  finding: 0,
  state: "none",
  words: "",
  done: null,
  seconds_left: null,
  stoppable: false,
};

/** What lets findings be tried: without it (no kernel) they are told alone. */
export interface Trying {
  trial: Store<Trial>;
  /** Why nothing can be tried now, in words; empty when it can. */
  hindrance: Store<string>;
  start(finding: number): void;
  stop(): void;
}

interface Item {
  finding: Finding;
  number: number;
  result: HTMLElement;
  button: HTMLButtonElement | null;
  stop: HTMLButtonElement | null;
  status: HTMLElement;
}

/** The findings, each with its evidence, a line to run, and what trying it brought beside what was expected. */
export function findingsView(
  host: HTMLElement,
  findings: readonly Finding[],
  trying: Trying | null,
): { update(findings: readonly Finding[]): void; dispose(): void } {
  const items: Item[] = findings.map((finding, index) => made(finding, index + 1));
  host.append(element("ol", { class: "tauto-findings" }, ...items.map((item) => layout(item))));
  if (!findings.length) host.append(element("p", {}, "Nothing was found that holds it back."));

  function made(finding: Finding, number: number): Item {
    const can = trying !== null && finding.fix !== null;
    return {
      finding,
      number,
      result: element("div", { class: "tauto-result" }),
      button: can ? element("button", { type: "button", class: "tauto-button tauto-main" }, "Try it") : null,
      stop: can ? element("button", { type: "button", class: "tauto-button" }, "Stop") : null,
      status: element("span", { role: "status" }),
    };
  }

  function layout(item: Item): HTMLElement {
    const { finding, number, button, stop, result, status } = item;
    button?.addEventListener("click", () => trying?.start(number));
    stop?.setAttribute("aria-label", `Stop: finding ${number}`);
    stop?.addEventListener("click", () => {
      stop.disabled = true; // pressed twice, it acts once
      trying?.stop();
    });
    const line = finding.line || finding.python;
    return element(
      "li",
      {},
      element("strong", {}, finding.title),
      element("span", { class: "tauto-soft" }, ` ${CAUSES[finding.cause] ?? finding.cause}`),
      element("div", {}, finding.evidence),
      finding.expected && element("div", {}, expectedWords(finding.expected)),
      line ? element("pre", {}, element("code", {}, line)) : null,
      result,
      button && element("div", { class: "tauto-controls" }, button, stop, status),
    );
  }

  function tell(item: Item): void {
    const { tried, expected } = item.finding;
    item.result.replaceChildren();
    if (tried) {
      item.result.append(
        gainBar(expected?.speedup ?? null, { speedup: tried.speedup, interval: tried.speedup_interval }),
        element("div", { class: `tauto-${tried.verdict}` }, triedWords(tried)),
      );
    }
  }

  function refresh(): void {
    if (trying === null) return;
    const trial = trying.trial.value;
    const hindrance = trying.hindrance.value;
    const busy = trial.state === "waiting" || trial.state === "running";
    for (const item of items) {
      const mine = trial.finding === item.number;
      if (!item.button || !item.stop) continue;
      item.button.disabled = busy || hindrance !== "";
      const words = item.finding.tried ? "Try it again" : "Try it";
      item.button.textContent = words;
      item.button.setAttribute("aria-label", `${words}: finding ${item.number}, ${item.finding.title}`);
      item.stop.hidden = !(mine && trial.state === "running" && trial.stoppable);
      if (item.stop.hidden) item.stop.disabled = false;
      item.status.replaceChildren(...(mine ? progress(trial) : hindrance ? [hindrance] : []));
    }
  }

  for (const item of items) tell(item);
  refresh();
  const forget = trying ? [trying.trial.listen(refresh), trying.hindrance.listen(refresh)] : [];
  return {
    update(next) {
      next.forEach((finding, index) => {
        const item = items[index];
        if (!item) return;
        item.finding = finding;
        tell(item);
      });
      refresh();
    },
    dispose() {
      for (const end of forget) end();
    },
  };
}

function progress({ state, words, done, seconds_left }: Trial): Node[] {
  if (state === "ended") return [document.createTextNode(words)];
  const left = seconds_left === null ? "" : `, at most ${duration(seconds_left * 1000)} left`;
  const bar = element("progress", {
    max: 1,
    value: state === "running" ? done : null,
    "aria-label": "Trial",
  });
  return [bar, document.createTextNode(` ${words}${left}`)];
}

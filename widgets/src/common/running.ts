import { element, lastRejected, type Search } from "@tauto/drawing";
import type { Reach } from "./reach";

export interface Progress {
  message?: string;
  done?: number | null;
  seconds_left?: number | null;
}

export interface Running {
  phase: string;
  progress: Progress;
  underWay: { number: number; title: string }[];
  reach: Reach;
}

/** Says for how long, in words. */
export function timeLeft(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.max(Math.round(seconds), 0);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return `about ${minutes ? `${minutes} min ` : ""}${rest} s left`;
}

/** What a search does now, how far it is, and the button that ends it; nothing once it has ended. */
export function runningView(host: HTMLElement, stop: () => void) {
  const bar = element("progress", { max: 1, "aria-label": "How far the search is" });
  const message = element("p", { class: "tauto-message" });
  const now = element("p", { class: "tauto-soft" });
  const best = element("p");
  const last = element("p", { class: "tauto-soft" });
  const button = element(
    "button",
    { type: "button", class: "tauto-button tauto-primary" },
    "Stop and keep the best",
  );
  const hint = element("p", { class: "tauto-hint", role: "status" });
  const root = element(
    "section",
    { class: "tauto-running", role: "group", "aria-label": "The search that runs" },
    bar,
    message,
    now,
    best,
    last,
    button,
    hint,
  );
  host.append(root);
  let asked = false;
  button.addEventListener("click", () => {
    if (asked) return;
    asked = true;
    button.disabled = true;
    button.textContent = "Stopping…";
    hint.textContent = "The trial that runs is ended; then the best so far is confirmed and kept.";
    stop();
  });

  return {
    update({ phase, progress, underWay, reach }: Running, search: Search | null): void {
      const runs = phase === "running" || phase === "stopping";
      root.hidden = !runs;
      if (!runs) {
        asked = false;
        return;
      }
      const gone = reach === "gone";
      bar.hidden = message.hidden = button.hidden = gone;
      now.hidden = gone || underWay.length < 2;
      if (progress.done === null || progress.done === undefined) bar.removeAttribute("value");
      else bar.value = progress.done;
      message.textContent = [progress.message ?? "starting", timeLeft(progress.seconds_left)]
        .filter(Boolean)
        .join(" · ");
      // of one alone the message tells
      now.textContent =
        underWay.length > 1
          ? `Running now: ${underWay.map((one) => `trial ${one.number}${one.title ? ` (${one.title})` : ""}`).join(", ")}`
          : "";
      best.textContent = search ? bestWords(search) : "";
      const rejected = search && lastRejected(search.trials);
      last.textContent = rejected
        ? `Last not taken: trial ${rejected.number}, ${rejected.title}. ${rejected.reason}`
        : "";
      if (gone) {
        const kept = search?.study ? ` and stands in the study ${search.study.name}` : "";
        hint.textContent =
          "The kernel does not answer any more: it was restarted, or it died. " +
          `What was measured until then is below${kept}. Run the cell again, and the search goes on with it.`;
      } else if (asked || phase === "stopping") {
        button.disabled = true;
        button.textContent = "Stopping…";
      } else if (reach === "deaf") {
        button.disabled = true;
        hint.textContent =
          "This front end cannot reach a kernel that is busy. Use the kernel's Stop (■): it keeps the best, too.";
      } else {
        button.disabled = false;
        button.textContent = "Stop and keep the best";
        hint.textContent = "";
      }
    },
    /** Whether the button was pressed for the search that runs. */
    get asked(): boolean {
      return asked;
    },
    dispose: () => root.remove(),
  };
}

function bestWords(search: Search): string {
  const trial = search.trials.find((one) => one.number === search.best);
  if (trial === undefined) {
    if (search.trials.length === 0) return "";
    return `Best so far: ${search.noun === "recipe" ? "the original" : "none that keeps to the constraints"}`;
  }
  const names = [
    ...new Set([search.across, search.up, ...(trial.figures.speedup === undefined ? [] : ["speedup"])]),
  ];
  const figures = names.flatMap((name) => {
    const axis = search.axes.find((one) => one.name === name);
    const value = trial.figures[name];
    return axis === undefined || value === undefined || name === "trial"
      ? []
      : `${axis.label} ${axis.written(value)}`;
  });
  return `Best so far: trial ${trial.number}, ${trial.title}; ${figures.join(", ")}`;
}

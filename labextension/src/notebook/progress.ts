/** What a running verb tells of itself, as the magics put it beside their bar. */

import { share } from "@tauto/drawing";

export const PROGRESS_MIME = "application/vnd.tauto.progress+json";

export interface Progress {
  task: string;
  message: string;
  /** Share of the work done; null when it is not known. */
  done: number | null;
  secondsLeft: number | null;
  /** Whether it is of a search, which can be asked for its end. */
  stoppable: boolean;
}

/** Reads progress from a message's data; null where there is none. */
export function progressOf(data: unknown): Progress | null {
  const found = (data as Record<string, unknown> | null | undefined)?.[PROGRESS_MIME];
  if (typeof found !== "object" || found === null) return null;
  const { task, message, done, seconds_left: left, stoppable } = found as Record<string, unknown>;
  if (typeof task !== "string" || typeof message !== "string") return null;
  return {
    task,
    message,
    done: typeof done === "number" ? Math.min(Math.max(done, 0), 1) : null,
    secondsLeft: typeof left === "number" ? left : null,
    stoppable: stoppable === true,
  };
}

/** Such as `1 min 20 s`; with hours no seconds. */
export function timeLeft(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = [hours && `${hours} h`, minutes && `${minutes} min`, !hours && rest && `${rest} s`];
  return parts.filter(Boolean).join(" ") || "0 s";
}

/** Such as `autotune: 43 %, about 20 s left`. */
export function inBrief(progress: Progress): string {
  const parts = [
    progress.done === null ? "" : share(progress.done),
    progress.secondsLeft === null ? "" : `about ${timeLeft(progress.secondsLeft)} left`,
  ].filter((part) => part !== "");
  return `${progress.task}: ${parts.join(", ") || progress.message}`;
}

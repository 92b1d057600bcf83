import type { AnyModel } from "@anywidget/types";

/** What a front end may be told of the kernel: it is asked, it answers, it is busy and deaf, it is gone. */
export type Reach = "unknown" | "heard" | "deaf" | "gone";

const EVERY_MS = 1000;
const DEAF_AFTER_MS = 4000;
const GONE_AFTER_MS = 15_000;

/**
 * Finds out whether messages reach the kernel while a cell runs: asks now and then, and hears the answers. A kernel that
 * never answers while it is busy may still be well; one that did and falls silent is gone.
 */
export class Reaching<T> {
  now: Reach = "unknown";
  readonly #model: AnyModel<T & Record<string, unknown>>;
  readonly #changed: () => void;
  readonly #unheard: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #number = 0;
  #began = 0;
  #heardAt = 0;

  constructor(model: AnyModel<T & Record<string, unknown>>, changed: () => void) {
    this.#model = model;
    this.#changed = changed;
    const heard = (message: { kind?: unknown }) => {
      if (message.kind === "pong") this.heard();
    };
    const lost = () => this.#lost();
    // biome-ignore lint/suspicious/noExplicitAny: events of the model beneath, which its types do not name
    const events = model as any;
    events.on("msg:custom", heard);
    events.on("comm_live_update", lost);
    this.#unheard = () => {
      events.off("msg:custom", heard);
      events.off("comm_live_update", lost);
    };
  }

  /** Asks as long as `wanted`. */
  watch(wanted: boolean): void {
    if (!wanted) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#timer !== undefined || this.now === "gone") return;
    this.#began = this.#heardAt = performance.now();
    this.now = "unknown";
    this.#timer = setInterval(() => this.#ask(), EVERY_MS);
    this.#ask();
  }

  /** Says something to the kernel; false where that cannot be done any more. */
  say(content: Record<string, unknown>): boolean {
    try {
      this.#model.send(content);
      return true;
    } catch {
      this.#lost(); // its channel was closed
      return false;
    }
  }

  /** Anything came from the kernel. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#set("heard");
  }

  dispose(): void {
    this.watch(false);
    this.#unheard();
  }

  #ask(): void {
    this.#number += 1;
    this.say({ kind: "ping", id: this.#number });
    const now = performance.now();
    if (this.now === "heard" && now - this.#heardAt > GONE_AFTER_MS) this.#lost();
    if (this.now === "unknown" && now - this.#began > DEAF_AFTER_MS) this.#set("deaf");
  }

  #lost(): void {
    this.#set("gone");
    this.watch(false);
  }

  #set(state: Reach): void {
    if (this.now === state || this.now === "gone") return;
    this.now = state;
    this.#changed();
  }
}

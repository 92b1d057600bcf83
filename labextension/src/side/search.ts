/** What runs in this notebook: how far it is, and the button that ends it with what it found. */

import { element } from "@tauto/drawing";
import { inBrief } from "../notebook/progress";
import type { Running } from "../notebook/searching";
import { button, section } from "./section";

export class SearchView {
  readonly node: HTMLElement;

  constructor(stop: () => void) {
    this.stopping = button("Stop and keep the best", stop);
    this.node = section("Running now", this.bar, this.words, this.stopping);
    this.show(null);
  }

  show(running: Running | null): void {
    this.node.hidden = running === null;
    if (running === null) return;
    const { progress, stopping } = running;
    if (progress.done === null) this.bar.removeAttribute("value");
    else this.bar.value = progress.done;
    this.words.textContent = `${inBrief(progress)}. ${progress.message}`;
    this.stopping.hidden = !progress.stoppable;
    this.stopping.disabled = stopping;
    this.stopping.textContent = stopping ? "Stopping…" : "Stop and keep the best";
  }

  private readonly bar = element("progress", { max: 1, "aria-label": "How far it is" });
  private readonly words = element("p");
  private readonly stopping: HTMLButtonElement;
}

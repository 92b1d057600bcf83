/** Which search runs in which notebook: read from what its cell shows while it runs. */

import type { ISessionContext } from "@jupyterlab/apputils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { KernelMessage } from "@jupyterlab/services";
import { type ISignal, Signal } from "@lumino/signaling";
import { ask } from "../kernel/ask";
import { type Progress, progressOf } from "./progress";

/** A verb that runs. */
export interface Running {
  panel: NotebookPanel;
  progress: Progress;
  /** Whether it was asked for its end. */
  stopping: boolean;
}

/** Follows the progress of what runs in the open notebooks. */
export class Searches {
  constructor(tracker: INotebookTracker) {
    tracker.forEach((panel) => {
      this.watch(panel);
    });
    tracker.widgetAdded.connect((_, panel) => this.watch(panel));
  }

  /** Something began, went on or ended. */
  get changed(): ISignal<this, void> {
    return this.signal;
  }

  /** What runs now. */
  get all(): Running[] {
    return [...this.running.values()];
  }

  /** Asks the search of a notebook for its end: its cell then ends normally, with the best so far. */
  async stop(panel: NotebookPanel): Promise<boolean> {
    const running = this.running.get(panel);
    if (running === undefined || running.stopping) return false;
    running.stopping = true;
    this.signal.emit();
    try {
      return (await ask<{ asked: boolean }>(panel.sessionContext.session?.kernel, "stop()")).asked;
    } catch (error) {
      running.stopping = false;
      this.signal.emit();
      throw error;
    }
  }

  private readonly signal = new Signal<this, void>(this);
  private readonly running = new Map<NotebookPanel, Running>();
  private readonly requests = new WeakMap<NotebookPanel, string>();

  private watch(panel: NotebookPanel): void {
    panel.sessionContext.iopubMessage.connect((_, message) => this.hear(panel, message));
    panel.sessionContext.statusChanged.connect((_: ISessionContext, status) => {
      if (status === "dead" || status === "restarting" || status === "autorestarting") this.end(panel);
    });
    panel.disposed.connect(() => this.end(panel));
  }

  private hear(panel: NotebookPanel, message: KernelMessage.IMessage): void {
    const request = (message.parent_header as { msg_id?: string }).msg_id ?? "";
    const { content } = message;
    if ("data" in content) {
      const progress = progressOf(content.data);
      if (progress === null) return;
      this.requests.set(panel, request);
      this.running.set(panel, { panel, progress, stopping: this.running.get(panel)?.stopping ?? false });
      this.signal.emit();
    } else if ("execution_state" in content && content.execution_state === "idle") {
      if (this.requests.get(panel) === request) this.end(panel);
    }
  }

  private end(panel: NotebookPanel): void {
    this.requests.delete(panel);
    if (this.running.delete(panel)) this.signal.emit();
  }
}

/** Hands the settings page's defaults to every Python kernel of a notebook, before its first cell runs. */

import type { ISessionContext } from "@jupyterlab/apputils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { Kernel } from "@jupyterlab/services";
import { handingOver, NOTHING } from "./defaults";

/** Tells kernels what `current` returns: each as it starts, all again when `changed` is called. */
export class DefaultsSender {
  constructor(
    tracker: INotebookTracker,
    private readonly current: () => string,
  ) {
    tracker.forEach((panel) => {
      this.watch(panel);
    });
    tracker.widgetAdded.connect((_, panel) => this.watch(panel));
  }

  /** The page or the theme has changed. */
  changed(): void {
    for (const session of this.sessions) this.send(session, true);
  }

  private readonly sessions = new Set<ISessionContext>();
  private readonly told = new WeakMap<Kernel.IKernelConnection, string>();

  private watch(panel: NotebookPanel): void {
    const session = panel.sessionContext;
    let starts = false; // again, with an environment of its own
    this.sessions.add(session);
    session.disposed.connect(() => this.sessions.delete(session));
    session.kernelChanged.connect(() => this.send(session, false));
    session.statusChanged.connect((_, status) => {
      if (status === "restarting" || status === "autorestarting") starts = true;
      else if (starts && status !== "dead") again();
    });
    session.connectionStatusChanged.connect((_, status) => {
      // messages sent from here on stand before those of the cells in the queue
      if (starts && status === "connected") again();
    });
    const again = () => {
      starts = false;
      const kernel = session.session?.kernel;
      if (kernel) this.told.delete(kernel);
      this.send(session, false);
    };
    this.send(session, false);
  }

  /** `always` where a kernel may hold other defaults; else one that has nothing to be told is left alone. */
  private send(session: ISessionContext, always: boolean): void {
    const kernel = session.session?.kernel;
    if (!kernel || kernel.status === "dead" || !isPython(session, kernel)) return;
    const defaults = this.current();
    const before = this.told.get(kernel) ?? NOTHING;
    if (defaults === before && !(always && this.told.has(kernel))) return;
    this.told.set(kernel, defaults);
    const future = kernel.requestExecute({
      code: "",
      silent: true,
      store_history: false,
      user_expressions: { tauto: handingOver(defaults) },
    });
    // a kernel that is restarted meanwhile is told anew
    future.done.catch(() => this.told.delete(kernel));
  }
}

function isPython(session: ISessionContext, kernel: Kernel.IKernelConnection): boolean {
  const spec = session.specsManager.specs?.kernelspecs[kernel.name];
  return (spec?.language ?? "python").toLowerCase() === "python";
}

/** TAuto's side panel: the notebook in front, as its outputs tell it. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { Widget } from "@lumino/widgets";
import { element } from "@tauto/drawing";
import { tautoIcon } from "../icon";
import { ask, KernelTrouble } from "../kernel/ask";
import { reportsIn, reveal } from "../notebook/outputs";
import type { Searches } from "../notebook/searching";
import { openComparison } from "./comparison";
import { MachineView, machineIn, machineOf } from "./machine";
import { ReportList } from "./reports";
import { SearchView } from "./search";
import { button, section } from "./section";

/** A notebook that changes with every key is looked at again at most so often. */
const EVERY_MS = 300;

export class TautoPanel extends Widget {
  constructor(
    private readonly app: JupyterFrontEnd,
    tracker: INotebookTracker,
    private readonly searches: Searches,
  ) {
    super({ node: element("div", { role: "region", "aria-label": "TAuto" }) });
    this.id = "tauto-panel";
    this.addClass("tauto");
    this.addClass("tauto-side");
    this.title.icon = tautoIcon;
    this.title.caption = "TAuto: this notebook's reports";
    const past = section(
      "Past runs",
      button("Show past runs", () => void this.app.commands.execute("tauto:runs")),
    );
    this.node.append(this.search.node, this.list.node, this.machine.node, past);
    tracker.currentChanged.connect((_, panel) => this.follow(panel));
    searches.changed.connect(() => this.showSearch());
    this.follow(tracker.currentWidget);
  }

  private panel: NotebookPanel | null = null;
  private due: number | undefined;
  private asked = false;
  private readonly search = new SearchView(() => void this.app.commands.execute("tauto:stop-search"));
  private readonly machine = new MachineView(() => void this.askMachine());
  private readonly list = new ReportList({
    reveal: (entry) => {
      const panel = this.panel;
      if (!panel) return;
      this.app.shell.activateById(panel.id);
      void reveal(panel.content, entry.cell);
    },
    compare: (one, other) => openComparison(this.app, one, other),
  });

  private follow(panel: NotebookPanel | null): void {
    this.panel?.content.modelContentChanged.disconnect(this.soon, this);
    this.panel = panel;
    this.asked = false;
    panel?.content.modelContentChanged.connect(this.soon, this);
    this.refresh();
    this.showSearch();
    if (panel) void panel.context.ready.then(() => this.panel === panel && this.refresh());
  }

  private soon(): void {
    if (this.due !== undefined) return;
    this.due = window.setTimeout(() => {
      this.due = undefined;
      this.refresh();
    }, EVERY_MS);
  }

  private refresh(): void {
    if (this.isDisposed) return;
    const entries = this.panel && !this.panel.isDisposed ? reportsIn(this.panel) : [];
    this.list.show(entries);
    if (!this.asked) this.machine.show(machineOf(entries));
  }

  private showSearch(): void {
    this.search.show(this.searches.all.find((running) => running.panel === this.panel) ?? null);
  }

  private async askMachine(): Promise<void> {
    this.asked = true;
    try {
      const kernel = this.panel?.sessionContext.session?.kernel;
      const { report } = await ask<{ report: Record<string, unknown> }>(kernel, "machine()");
      this.machine.show(machineIn(report, "this kernel's"));
    } catch (error) {
      if (!(error instanceof KernelTrouble)) throw error;
      this.machine.refuse(error.message);
    }
  }

  override dispose(): void {
    window.clearTimeout(this.due);
    super.dispose();
  }
}

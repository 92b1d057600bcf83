/** Shows a report as an interactive view, from its JSON alone: no kernel is needed. */

import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { PanelLayout, Widget } from "@lumino/widgets";
import { keepKeys, reportView, type View } from "@tauto/drawing";
import { REPORT_MIME } from "./notebook/reports";

/** Before HTML, which is what other viewers show of a report. */
const RANK = 40;
const FALLBACKS = ["text/html", "text/plain"];

/**
 * A report in an output. What has no interactive view here (a newer schema, another kind, JSON cut short) is handed to
 * JupyterLab's own renderers, which sanitize it unless the notebook is trusted.
 */
class ReportRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(
    private readonly options: IRenderMime.IRendererOptions,
    private readonly rendermime: IRenderMimeRegistry,
  ) {
    super();
    this.layout = new PanelLayout();
    this.addClass("tauto-report");
    keepKeys(this.node);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.clear();
    this.mark(model.metadata[REPORT_MIME]);
    this.view = reportView(this.node, model.data[REPORT_MIME]);
    if (this.view !== null) return;
    const type = FALLBACKS.find((known) => known in model.data && this.rendermime.getFactory(known));
    const factory = type && this.rendermime.getFactory(type);
    if (!factory) {
      this.node.textContent = "This report cannot be shown here: a newer TAuto made it.";
      return;
    }
    const own = factory.createRenderer({ ...this.options, mimeType: type });
    (this.layout as PanelLayout).addWidget(own);
    await own.renderModel(model);
  }

  override dispose(): void {
    if (!this.isDisposed) this.clear();
    super.dispose();
  }

  private view: View | null = null;

  /** Marks what stands for a panel, as its HTML form is: the panel hides it as long as it draws. */
  private mark(given: unknown): void {
    const panel = given !== null && typeof given === "object" && "panel" in given ? given.panel : undefined;
    if (typeof panel === "string") this.node.classList.add("tauto-static", `tauto-of-${panel}`);
  }

  private clear(): void {
    this.view?.dispose();
    this.view = null;
    const layout = this.layout as PanelLayout;
    while (layout.widgets[0]) layout.widgets[0].dispose();
    this.node.replaceChildren();
  }
}

/** Registers the renderer for all notebooks. */
export function addRenderer(rendermime: IRenderMimeRegistry): void {
  rendermime.addFactory(
    {
      safe: true, // it draws elements and text, never markup
      mimeTypes: [REPORT_MIME],
      createRenderer: (options) => new ReportRenderer(options, rendermime),
    },
    RANK,
  );
}

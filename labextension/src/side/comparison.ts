/** Two reports side by side, in a tab of their own: the figures they have in common, then each as it is. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { MainAreaWidget } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import { element, reportView, type View } from "@tauto/drawing";
import { tautoIcon } from "../icon";
import { commonFigures } from "../notebook/figures";
import type { Entry } from "../notebook/reports";

let opened = 0;

/** Opens a tab that compares two reports. */
export function openComparison(app: JupyterFrontEnd, one: Entry, other: Entry): void {
  const widget = new MainAreaWidget({ content: new Comparison(one, other) });
  opened += 1;
  widget.id = `tauto-comparison-${opened}`;
  widget.title.label = `${name(one)} and ${name(other)}`;
  widget.title.icon = tautoIcon;
  widget.title.closable = true;
  app.shell.add(widget, "main");
  app.shell.activateById(widget.id);
}

class Comparison extends Widget {
  constructor(one: Entry, other: Entry) {
    super();
    // JupyterLab takes the widget's own element out of the order of the Tab key: what scrolls stands inside
    const page = element("div", {
      class: "tauto tauto-comparison",
      tabindex: 0,
      role: "region",
      "aria-label": "Two reports compared",
    });
    this.node.append(page);
    const sides = [one, other].map((entry) => {
      const side = element(
        "section",
        { "aria-label": name(entry) },
        element("h2", {}, name(entry)),
        element("p", {}, entry.headline),
      );
      const view = reportView(side, entry.json);
      if (view) this.views.push(view);
      return side;
    });
    page.append(table(one, other), element("div", { class: "tauto-sides" }, ...sides));
  }

  private readonly views: View[] = [];

  override dispose(): void {
    for (const view of this.views.splice(0)) view.dispose();
    super.dispose();
  }
}

function table(one: Entry, other: Entry): HTMLElement {
  const rows = commonFigures(one.json, other.json);
  if (rows.length === 0) return element("p", {}, "These two have no figures in common.");
  const head = ["Figure", name(one), name(other), "the second over the first"];
  return element(
    "table",
    { class: "tauto-table" },
    element("caption", {}, "What both tell of"),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element(
      "tbody",
      {},
      ...rows.map((row) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, row.name),
          ...[row.one, row.other, row.against].map((text) => element("td", {}, text)),
        ),
      ),
    ),
  );
}

function name(entry: Entry): string {
  return `${entry.count === null ? "" : `[${entry.count}] `}${entry.title}`;
}

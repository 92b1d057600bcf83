/** TAuto in JupyterLab. Each plugin asks for no more than it needs, so that Notebook 7 has what its shell has room for. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette, IThemeManager } from "@jupyterlab/apputils";
import { IDocumentManager } from "@jupyterlab/docmanager";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { addCommands } from "./commands";
import { defaultsOf, pageOf } from "./kernel/defaults";
import { DefaultsSender } from "./kernel/sending";
import { reveal, runningCell } from "./notebook/outputs";
import { Searches } from "./notebook/searching";
import { addCards } from "./opening/launcher";
import { addRenderer } from "./renderer";
import { TautoPanel } from "./side/panel";
import { addStatus } from "./status";

const renderer: JupyterFrontEndPlugin<void> = {
  id: "tauto:renderer",
  description: "Shows TAuto's reports as interactive views, without a kernel.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_: JupyterFrontEnd, rendermime: IRenderMimeRegistry) => addRenderer(rendermime),
};

const notebooks: JupyterFrontEndPlugin<void> = {
  id: "tauto:plugin",
  description: "TAuto's commands, side panel and status, and the defaults of its magics.",
  autoStart: true,
  requires: [INotebookTracker, ISettingRegistry],
  optional: [ICommandPalette, ILayoutRestorer, IStatusBar, IThemeManager],
  activate: async (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    registry: ISettingRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    bar: IStatusBar | null,
    themes: IThemeManager | null,
  ) => {
    const searches = new Searches(tracker);
    addCommands(app, tracker, searches, palette);
    const panel = new TautoPanel(app, tracker, searches);
    app.shell.add(panel, "right", { rank: 800 });
    restorer?.add(panel, panel.id);
    app.commands.addCommand("tauto:show-panel", {
      label: "Show TAuto's Side Panel",
      execute: () => app.shell.activateById(panel.id),
    });
    palette?.addItem({ command: "tauto:show-panel", category: "TAuto" });
    if (bar) {
      addStatus(bar, searches, ({ panel: shown }) => {
        app.shell.activateById(shown.id);
        void reveal(shown.content, runningCell(shown));
      });
    }

    const settings = await registry.load(notebooks.id);
    const isLight = () => !themes?.theme || themes.isLight(themes.theme);
    const sender = new DefaultsSender(tracker, () => defaultsOf(pageOf(settings.composite), isLight()));
    settings.changed.connect(() => sender.changed());
    themes?.themeChanged.connect(() => sender.changed());
  },
};

const launcher: JupyterFrontEndPlugin<void> = {
  id: "tauto:launcher",
  description: "Cards of the launcher: TAuto's tutorials, and templates for the common starts.",
  autoStart: true,
  requires: [IDocumentManager],
  optional: [ILauncher], // Notebook 7 has none
  activate: async (app: JupyterFrontEnd, documents: IDocumentManager, cards: ILauncher | null) => {
    if (cards) await addCards(app, documents, cards);
  },
};

export default [renderer, notebooks, launcher];

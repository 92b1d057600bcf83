/** The commands: in the palette, the toolbar, the context menu and the shortcuts by the same names. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ICommandPalette } from "@jupyterlab/apputils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { tautoIcon } from "./icon";
import { ask } from "./kernel/ask";
import { ensureLoaded, insertCell, once, runCell, say } from "./notebook/acting";
import { askForLine, type Form } from "./notebook/dialog";
import { reportsOfCell } from "./notebook/outputs";
import { profileCell, profileNotebook, takeOutProfiling } from "./notebook/profiling";
import type { Searches } from "./notebook/searching";

/** Adds all commands that act on the notebook in front. */
export function addCommands(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  searches: Searches,
  palette: ICommandPalette | null,
): void {
  const add = (
    name: string,
    label: string,
    caption: string,
    act: (panel: NotebookPanel) => Promise<void>,
  ) => {
    const id = `tauto:${name}`;
    app.commands.addCommand(id, {
      label,
      caption,
      icon: name === "profile-cell" ? tautoIcon : undefined,
      isEnabled: () => tracker.currentWidget !== null,
      execute: async () => {
        const panel = tracker.currentWidget;
        if (panel) await once(panel, label, () => act(panel));
      },
    });
    palette?.addItem({ command: id, category: "TAuto" });
  };
  add("profile-cell", "Profile This Cell", "Run this cell under %%tauto_profile", profileCell);
  add("profile-notebook", "Profile This Notebook", "Run all cells, each profiled", profileNotebook);
  add(
    "take-out-profiling",
    "Take the Profiling Lines Out",
    "Remove %%tauto_profile from all cells",
    async (panel) => takeOutProfiling(panel),
  );
  add("quantize", "Quantize…", "Make a model smaller and faster in int8 or int4", (panel) =>
    chooseLine(panel, "tauto_quantize", "Quantize"),
  );
  add("autotune", "Autotune…", "Search for the best recipe for a model on this machine", (panel) =>
    chooseLine(panel, "tauto_autotune", "Autotune"),
  );
  add(
    "insert-script",
    "Insert the Plain Script of This Result",
    "The Python that does it without TAuto",
    insertScript,
  );
  add("runs", "Show Past Runs", "Insert %tauto_runs and run it", async (panel) => {
    if (await ensureLoaded(panel)) void runCell(panel, insertCell(panel, "%tauto_runs"));
  });

  const running = () => searches.all.find(({ panel }) => panel === tracker.currentWidget);
  app.commands.addCommand("tauto:stop-search", {
    label: "Stop the Running Search and Keep the Best",
    isEnabled: () => running()?.progress.stoppable === true,
    execute: async () => {
      // not one at a time with the others: the search's own cell may be under way as one of them
      const found = running();
      if (!found) return;
      try {
        if (!(await searches.stop(found.panel))) return;
      } catch (error) {
        await say("Stop", `${error instanceof Error ? error.message : error} Use the kernel's Stop instead.`);
      }
    },
  });
  palette?.addItem({ command: "tauto:stop-search", category: "TAuto" });
}

/** Asks for a magic's options, inserts its line below the active cell, and runs it. */
async function chooseLine(panel: NotebookPanel, magic: string, title: string): Promise<void> {
  if (!(await ensureLoaded(panel))) return;
  const form = await ask<Form>(panel.sessionContext.session?.kernel, `form(${JSON.stringify(magic)})`);
  if (form.models.length === 0) {
    await say(title, "There is no model in this kernel yet: run the cell that makes it first.");
    return;
  }
  const chosen = await askForLine(magic, title, form);
  if (!chosen) return;
  const place = insertCell(panel, chosen.line);
  if (chosen.run) void runCell(panel, place);
}

async function insertScript(panel: NotebookPanel): Promise<void> {
  const title = "Insert the plain script";
  const reports = reportsOfCell(panel.content.activeCell);
  const last = reports.at(-1);
  if (!last) {
    await say(title, "The chosen cell shows no result of TAuto's. Choose one that does.");
    return;
  }
  const text = JSON.stringify(JSON.stringify(last.json));
  const kernel = panel.sessionContext.session?.kernel;
  const answer = await ask<{ script?: string; refused?: string }>(kernel, `script(${text})`);
  if (answer.script === undefined) await say(title, answer.refused ?? "There is no script of it.");
  else insertCell(panel, answer.script);
}

/** *Profile this cell* and *Profile this notebook*. */

import { Dialog, showDialog } from "@jupyterlab/apputils";
import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { ensureLoaded, insertCell, runCell, say } from "./acting";
import {
  isWorthProfiling,
  LOAD_LINE,
  loadsMagics,
  PROFILE_LINE,
  profiledCell,
  unprofiledCell,
} from "./cells";

/** Puts `%%tauto_profile` above the active cell and runs it. */
export async function profileCell(panel: NotebookPanel): Promise<void> {
  const cell = panel.content.activeCell;
  if (cell?.model.type !== "code") {
    await say("Profile this cell", "The chosen cell is no code cell. Choose one that runs your model.");
    return;
  }
  const made = profiledCell(cell.model.sharedModel.getSource());
  if (made.source === undefined) {
    await say("Profile this cell", made.refused);
    return;
  }
  if (!(await ensureLoaded(panel))) return;
  if (cell.model.sharedModel.getSource() !== made.source) cell.model.sharedModel.setSource(made.source);
  void runCell(panel, panel.content.widgets.indexOf(cell));
}

/** Puts `%%tauto_profile` above every cell that computes something, and runs the notebook from its first cell. */
export async function profileNotebook(panel: NotebookPanel): Promise<void> {
  const notebook = panel.content;
  const code = notebook.widgets.filter((cell) => cell.model.type === "code");
  const chosen = code.filter((cell) => isWorthProfiling(cell.model.sharedModel.getSource()));
  if (chosen.length === 0) {
    await say("Profile this notebook", "None of its cells computes anything: there is nothing to profile.");
    return;
  }
  const { button } = await showDialog({
    title: "Profile this notebook",
    body:
      `All ${code.length} code cells are run from the first; ${chosen.length} of them compute something and get the ` +
      `line ${PROFILE_LINE}. “Take the profiling lines out” removes these lines again.`,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: "Profile" })],
  });
  if (!button.accept) return;
  for (const cell of chosen) {
    const made = profiledCell(cell.model.sharedModel.getSource());
    if (made.source !== undefined && made.source !== cell.model.sharedModel.getSource()) {
      cell.model.sharedModel.setSource(made.source);
    }
  }
  if (!code.some((cell) => loadsMagics(cell.model.sharedModel.getSource()))) {
    notebook.activeCellIndex = 0;
    insertCell(panel, LOAD_LINE, true);
  }
  void NotebookActions.runAll(notebook, panel.sessionContext);
}

/** Takes `%%tauto_profile` off every cell that has it. */
export function takeOutProfiling(panel: NotebookPanel): void {
  for (const cell of panel.content.widgets) {
    if (cell.model.type !== "code") continue;
    const plain = unprofiledCell(cell.model.sharedModel.getSource());
    if (plain !== null) cell.model.sharedModel.setSource(plain);
  }
}

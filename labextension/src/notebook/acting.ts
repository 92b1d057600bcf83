/** What the commands do to a notebook: always by cells that are seen, so that it stays reproducible. */

import { Dialog, showDialog } from "@jupyterlab/apputils";
import type { Cell } from "@jupyterlab/cells";
import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { ask, KernelTrouble } from "../kernel/ask";
import { LOAD_LINE, loadsMagics } from "./cells";

/** Inserts a code cell below the active one (or above it), and returns its place. */
export function insertCell(panel: NotebookPanel, source: string, above = false): number {
  const notebook = panel.content;
  if (above) NotebookActions.insertAbove(notebook);
  else NotebookActions.insertBelow(notebook);
  const active = notebook.activeCell;
  if (active && active.model.type !== "code") NotebookActions.changeCellType(notebook, "code");
  notebook.activeCell?.model.sharedModel.setSource(source);
  return notebook.activeCellIndex;
}

const running = new WeakSet<Cell>();

/** Runs one cell, and waits for its end; one that runs already is not run a second time. */
export async function runCell(panel: NotebookPanel, index: number): Promise<void> {
  const cell = panel.content.widgets[index];
  if (cell === undefined || running.has(cell)) return;
  running.add(cell);
  try {
    await NotebookActions.runCells(panel.content, [cell], panel.sessionContext);
  } finally {
    running.delete(cell);
  }
}

/**
 * Returns whether TAuto's magics are loaded in the notebook's kernel; where they are not, offers to load them, by the
 * notebook's own cell that does or by a new one above the active cell.
 */
export async function ensureLoaded(panel: NotebookPanel): Promise<boolean> {
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  if ((await ask<{ loaded: boolean }>(kernel, "loaded()")).loaded) return true;
  const { button } = await showDialog({
    title: "TAuto's magics are not loaded in this kernel",
    body: `They are loaded by one line, in a cell of its own: ${LOAD_LINE}`,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: "Load them" })],
  });
  if (!button.accept) return false;
  const notebook = panel.content;
  const active = notebook.activeCell;
  const known = notebook.widgets.findIndex(
    (cell) => cell.model.type === "code" && loadsMagics(cell.model.sharedModel.getSource()),
  );
  await runCell(panel, known >= 0 ? known : insertCell(panel, LOAD_LINE, true));
  if (active) notebook.activeCellIndex = notebook.widgets.indexOf(active);
  if ((await ask<{ loaded: boolean }>(kernel, "loaded()")).loaded) return true;
  throw new KernelTrouble(`${LOAD_LINE} did not load them; its cell says why.`);
}

/** Says in words that something cannot be done. */
export async function say(title: string, body: string): Promise<void> {
  await showDialog({ title, body, buttons: [Dialog.okButton()] });
}

const acting = new WeakSet<NotebookPanel>();

/**
 * Does one thing at a time to a notebook, up to where its cell begins to run: a button pressed twice acts once. Trouble
 * with the kernel is said.
 */
export async function once(panel: NotebookPanel, title: string, act: () => Promise<void>): Promise<void> {
  if (acting.has(panel)) return;
  acting.add(panel);
  try {
    await act();
  } catch (error) {
    if (!(error instanceof KernelTrouble)) throw error;
    await say(title, error.message);
  } finally {
    acting.delete(panel);
  }
}

/** A notebook of JupyterLab's as the plain data that `reports.ts` reads, and its cells in view. */

import type { Cell, ICodeCellModel } from "@jupyterlab/cells";
import type { Notebook, NotebookPanel } from "@jupyterlab/notebook";
import { PROGRESS_MIME } from "./progress";
import { type Bundle, type CellOutputs, type Entry, reportsOf } from "./reports";

/** The reports of an open notebook, in order. */
export function reportsIn(panel: NotebookPanel): Entry[] {
  const cells = panel.content.model?.cells;
  return cells
    ? reportsOf(
        Array.from(cells, (cell) => (cell.type === "code" ? outputsOf(cell as ICodeCellModel) : null)),
      )
    : [];
}

/** The reports that one cell shows. */
export function reportsOfCell(cell: Cell | null): Entry[] {
  return cell?.model.type === "code" ? reportsOf([outputsOf(cell.model as ICodeCellModel)]) : [];
}

/** The place of the cell that shows the progress of a running verb; -1 where none does. */
export function runningCell(panel: NotebookPanel): number {
  const cells = Array.from(panel.content.model?.cells ?? []);
  return cells.findIndex(
    (cell) =>
      cell.type === "code" &&
      outputsOf(cell as ICodeCellModel).outputs.some((bundle) => PROGRESS_MIME in bundle),
  );
}

function outputsOf(cell: ICodeCellModel): CellOutputs {
  const outputs: Bundle[] = [];
  for (let index = 0; index < cell.outputs.length; index += 1) outputs.push(cell.outputs.get(index).data);
  return { count: cell.executionCount, outputs };
}

/** Makes a cell the active one and brings it into view. */
export async function reveal(notebook: Notebook, index: number): Promise<void> {
  const cell = notebook.widgets[index];
  if (cell === undefined) return;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  notebook.mode = "command";
  await notebook.scrollToCell(cell, "start");
  notebook.activate();
}

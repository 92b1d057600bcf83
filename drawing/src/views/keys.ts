import type { Trial } from "../data/search";
import type { Selection } from "./selection";

/**
 * Keeps plain keys that are pressed within `host` from the notebook around it, where an arrow goes to another cell and
 * a letter is a command. Shift+Enter and what is pressed with Ctrl, Alt or Cmd are the notebook's.
 */
export function keepKeys(host: HTMLElement): void {
  host.addEventListener("keydown", (event) => {
    const notebooks =
      event.ctrlKey || event.altKey || event.metaKey || (event.shiftKey && event.key === "Enter");
    if (!notebooks) event.stopPropagation();
  });
}

/** In which orders the keys go through the trials, and with which they begin. */
export interface Orders {
  across: readonly Trial[];
  up: readonly Trial[];
  first: number | null;
}

/** Lets the keys go through the trials of a drawing: arrows, Home, End, Enter to pick, Escape to leave. */
export function steered(root: HTMLElement, selection: Selection, orders: () => Orders): () => void {
  function step(order: readonly Trial[], by: number): void {
    if (order.length === 0) return;
    const now = order.findIndex((trial) => trial.number === selection.looked);
    const start = selection.picked ?? orders().first;
    const from =
      now >= 0
        ? now + by
        : Math.max(
            order.findIndex((trial) => trial.number === start),
            0,
          );
    selection.look(order[Math.min(Math.max(from, 0), order.length - 1)]?.number ?? null);
  }
  function pressed(event: KeyboardEvent): void {
    const { across, up } = orders();
    const moves: Record<string, () => void> = {
      ArrowRight: () => step(across, 1),
      ArrowLeft: () => step(across, -1),
      ArrowUp: () => step(up, 1),
      ArrowDown: () => step(up, -1),
      Home: () => selection.look(across[0]?.number ?? null),
      End: () => selection.look(across.at(-1)?.number ?? null),
      Enter: () => selection.looked !== null && selection.pick(selection.looked),
      " ": () => selection.looked !== null && selection.pick(selection.looked),
      Escape: () => selection.look(null),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    // the notebook around it has keys of its own
    event.preventDefault();
    event.stopPropagation();
    move();
  }
  root.addEventListener("keydown", pressed);
  return () => root.removeEventListener("keydown", pressed);
}

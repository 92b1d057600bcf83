import type { AnyModel } from "@anywidget/types";
import type { Store } from "@tauto/drawing";
import { store } from "@tauto/drawing";
import { cover } from "./cover";
import { styled } from "./styled";

/** What every panel's model holds. */
export interface PanelModel {
  report: unknown;
  /** What the static report above the panel bears. */
  token: string;
}

/** What a panel draws with, and the end of it. */
interface Drawn {
  dispose(): void;
}

/**
 * Draws a panel into `el` and hides the static report above it while it is drawn. Where `draw` returns null, nothing is
 * drawn, and the static report stays what is seen.
 */
export function panel<Model extends PanelModel>(
  model: AnyModel<Model>,
  el: HTMLElement,
  draw: (host: HTMLElement) => Drawn | null,
): () => void {
  styled(el);
  const drawn = draw(el);
  if (drawn === null) return () => undefined;
  const uncover = cover(model.get("token"));
  return () => {
    uncover();
    drawn.dispose();
  };
}

export const KERNEL_LOST =
  "The kernel that this belongs to is gone; what is shown stays. Run the cell again.";

/** Whether the kernel of a panel is gone, in words; empty as long as it is there. */
export function kernelLost<Model extends PanelModel>(model: AnyModel<Model>): Store<string> & Drawn {
  const lost = store("");
  const gone = () => lost.set(KERNEL_LOST);
  // ipywidgets' own event: it is told when the kernel has died, was restarted or shut down
  model.on("comm_live_update" as "msg:custom", gone);
  return {
    get value() {
      return lost.value;
    },
    set: lost.set,
    listen: lost.listen,
    dispose: () => model.off("comm_live_update", gone),
  };
}

/** A trait of the model as a store: whoever listens is told of each change by the kernel. */
export function trait<Model extends PanelModel, Name extends keyof Model & string>(
  model: AnyModel<Model>,
  name: Name,
): Store<Model[Name]> & Drawn {
  const value = store(model.get(name));
  const changed = () => value.set(model.get(name));
  model.on(`change:${name}`, changed);
  return {
    get value() {
      return value.value;
    },
    set: value.set,
    listen: value.listen,
    dispose: () => model.off(`change:${name}`, changed),
  };
}

import type { AnyModel } from "@anywidget/types";
import type { Store } from "@tauto/drawing";
import { keepKeys, store } from "@tauto/drawing";
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
  keepKeys(el);
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
const SILENT =
  "Nothing was heard from the kernel for 10 s: it is busy with a cell, or has ended. What is shown stays.";
const SILENT_MS = 10_000;
/** ipywidgets' own mark of a widget whose kernel was restarted. */
const DISCONNECTED = "jupyter-widgets-disconnected";

/** Whether a panel's kernel is there. */
export interface Kernel extends Drawn {
  /** Why it cannot be asked, in words; empty as long as it can. */
  lost: Store<string>;
  /** Sends a message; where there is nobody to send it to, {@link lost} says so. */
  send(content: unknown): void;
  /** While `waited` for, the kernel gives signs of life each second: say so when none comes. */
  expectSigns(waited: boolean): void;
}

/** Watches the kernel of a panel: it may be restarted, shut down, or die. */
export function kernelOf<Model extends PanelModel>(model: AnyModel<Model>, el: HTMLElement): Kernel {
  const lost = store("");
  let heard = 0;
  let timer = 0;
  // the widget's own view hears of it at the same time, and is to mark itself first
  const changed = () => setTimeout(() => lost.set(el.closest(`.${DISCONNECTED}`) ? KERNEL_LOST : ""));
  const hear = () => {
    heard = Date.now();
    if (lost.value === SILENT) lost.set("");
  };
  // ipywidgets' own event
  model.on("comm_live_update" as "msg:custom", changed);
  model.on("msg:custom", hear);
  return {
    lost,
    send(content) {
      try {
        model.send(content);
      } catch {
        lost.set(KERNEL_LOST); // it was shut down, and nobody told the widget
      }
    },
    expectSigns(waited) {
      clearInterval(timer);
      timer = 0;
      if (!waited) return;
      heard = Date.now();
      timer = window.setInterval(() => {
        if (Date.now() - heard > SILENT_MS && !lost.value) lost.set(SILENT);
      }, 1000);
    },
    dispose() {
      clearInterval(timer);
      model.off("comm_live_update", changed);
      model.off("msg:custom", hear);
    },
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

import { element, unique } from "../dom";
import { type Colours, coloursOf, watchTheme } from "../theme";

/** What a chart on a canvas is made of. */
export interface Canvas<Mark> {
  /** What it shows, for who cannot see it. */
  label: string;
  /** How it is used by keyboard, in words. */
  keys: string;
  /** Height in pixels, once the width is known. */
  height(width: number): number;
  /** Draws all marks. Called when data, size or theme change. */
  paint(pen: CanvasRenderingContext2D, size: Size, colours: Colours): void;
  /** Draws what is hovered or focused, on a layer of its own. */
  paintOver(pen: CanvasRenderingContext2D, size: Size, colours: Colours, mark: Mark): void;
  /** Returns the mark at a point, in pixels. */
  at(x: number, y: number): Mark | null;
  /** Where the tooltip of a mark points to, in pixels. */
  place(mark: Mark): { x: number; y: number };
  /** Lines that tell of a mark; the first is its name. */
  tell(mark: Mark): string[];
  /** The mark that a key leads to; null where the key does nothing. `from` is null when none is focused yet. */
  step(key: string, from: Mark | null): Mark | null;
  /** What a click or Enter on a mark does. */
  pick?(mark: Mark): void;
  /** What another key does (such as Escape); returns whether it did anything. */
  press?(key: string): boolean;
}

export interface Size {
  width: number;
  height: number;
}

export interface CanvasView {
  /** Draws anew at the next frame; data, what is chosen or the height may have changed. */
  redraw(): void;
  /** Draws at once what waits for the next frame. */
  flush(): void;
  dispose(): void;
}

/** Draws many marks on two layers of canvas: what stands, and what is hovered or focused. */
export function canvasView<Mark>(host: HTMLElement, chart: Canvas<Mark>): CanvasView {
  const [help, spoken, tip] = [
    element("span", { class: "tauto-unseen", id: unique("keys") }, chart.keys),
    element("span", { class: "tauto-unseen", "aria-live": "polite" }),
    element("div", { class: "tauto-tip", "aria-hidden": "true" }),
  ];
  const [under, over] = [element("canvas"), element("canvas")];
  const root = element("div", {
    class: "tauto-canvas",
    role: "application",
    tabindex: 0,
    "aria-label": chart.label,
    "aria-describedby": help.id,
  });
  root.append(under, over, help, spoken, tip);
  tip.hidden = true;
  host.append(root);

  let size: Size = { width: 0, height: 0 };
  let colours: Colours | null = null;
  let shown: Mark | null = null;
  let focused: Mark | null = null;
  let waiting = 0;
  const stale = { size: true, under: true, over: true };

  function invalidate(...parts: (keyof typeof stale)[]): void {
    for (const part of parts) stale[part] = true;
    waiting ||= requestAnimationFrame(flush);
  }

  function flush(): void {
    cancelAnimationFrame(waiting);
    waiting = 0;
    if (stale.size && !measured()) return;
    colours ??= coloursOf(root);
    if (stale.under) painted(under, (pen) => chart.paint(pen, size, colours as Colours));
    if (stale.over) {
      painted(over, (pen) => {
        if (shown !== null) chart.paintOver(pen, size, colours as Colours, shown);
      });
      pointAt(shown);
    }
    stale.size = stale.under = stale.over = false;
  }

  /** Fits the layers to the room there is; false where there is none yet. */
  function measured(): boolean {
    const width = Math.floor(root.clientWidth);
    if (width === 0) return false;
    const height = Math.ceil(chart.height(width));
    const scale = globalThis.devicePixelRatio || 1;
    size = { width, height };
    root.style.height = `${height}px`;
    for (const layer of [under, over]) {
      const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
      if (layer.width !== across || layer.height !== down) [layer.width, layer.height] = [across, down];
    }
    stale.under = stale.over = true;
    return true;
  }

  function painted(layer: HTMLCanvasElement, paint: (pen: CanvasRenderingContext2D) => void): void {
    const pen = layer.getContext("2d");
    if (pen === null) return;
    const scale = layer.width / size.width;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    pen.font = `12px ${getComputedStyle(root).fontFamily}`;
    pen.textBaseline = "middle";
    paint(pen);
  }

  function pointAt(mark: Mark | null): void {
    tip.hidden = mark === null;
    if (mark === null) return;
    const [name = "", ...lines] = chart.tell(mark);
    tip.replaceChildren(element("strong", {}, name), ...lines.map((line) => element("div", {}, line)));
    const { x, y } = chart.place(mark);
    const left = Math.min(Math.max(x + 12, 0), Math.max(size.width - tip.offsetWidth, 0));
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(y + 14)}px)`;
  }

  function show(mark: Mark | null): void {
    if (mark === shown) return;
    shown = mark;
    invalidate("over");
  }

  function hovered(event: PointerEvent): void {
    show(chart.at(event.offsetX, event.offsetY) ?? focused);
  }

  function clicked(event: MouseEvent): void {
    const mark = chart.at(event.offsetX, event.offsetY);
    if (mark === null) return;
    focused = mark;
    chart.pick?.(mark);
    show(mark);
  }

  function pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = chart.step(event.key, focused);
    if (next !== null) {
      focused = next;
      spoken.textContent = chart.tell(next).join(", ");
      show(next);
    } else if ((event.key === "Enter" || event.key === " ") && focused !== null) {
      chart.pick?.(focused);
    } else if (!chart.press?.(event.key)) {
      return;
    }
    // a notebook has keys of its own
    event.preventDefault();
    event.stopPropagation();
  }

  function left(): void {
    show(root.matches(":focus") ? focused : null);
  }

  root.addEventListener("pointermove", hovered);
  root.addEventListener("pointerleave", left);
  root.addEventListener("click", clicked);
  root.addEventListener("keydown", pressed);
  root.addEventListener("blur", () => show(null));
  const resized = new ResizeObserver(() => {
    if (Math.floor(root.clientWidth) !== size.width) invalidate("size");
  });
  resized.observe(root);
  const unwatch = watchTheme(() => {
    colours = null;
    invalidate("under", "over");
  });
  invalidate("size");

  return {
    redraw() {
      // marks of before may be gone
      shown = focused = null;
      invalidate("size");
    },
    flush,
    dispose() {
      cancelAnimationFrame(waiting);
      resized.disconnect();
      unwatch();
      root.remove();
    },
  };
}

/** Returns `text`, its middle left out where it is wider than `room` pixels; empty where next to nothing is left. */
export function fitted(pen: CanvasRenderingContext2D, text: string, room: number): string {
  if (pen.measureText(text).width <= room) return text;
  const letters = Math.floor(room / 7) - 1;
  return letters < 3
    ? ""
    : `${text.slice(0, Math.ceil(letters / 3))}…${text.slice(-Math.floor((letters * 2) / 3))}`;
}

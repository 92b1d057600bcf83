import { drawn, element } from "../dom";

/** A place to draw marks, with room around it for what is written beside them. */
export interface Plot {
  /** Takes the focus, the pointer and the keys. */
  root: HTMLElement;
  /** For the many marks. */
  context: CanvasRenderingContext2D;
  /** For axes, lines and what is looked at: under the marks and over them. */
  under: SVGGElement;
  over: SVGGElement;
  width: number;
  height: number;
  margin: Margin;
  dispose(): void;
}

export interface Margin {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/** Makes a plot in `host`, as wide as that is; `draw` is called at first and whenever its width changes. */
export function makePlot(
  host: HTMLElement,
  label: string,
  sizes: (width: number) => { height: number; margin: Margin },
  draw: (plot: Plot) => void,
): Plot {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const under = drawn("g");
  const over = drawn("g");
  const below = drawn("svg", { "aria-hidden": "true" }, under);
  const above = drawn("svg", { "aria-hidden": "true" }, over);
  const root = element(
    "div",
    { class: "tauto-plot", tabindex: 0, role: "application", "aria-label": label },
    below,
    canvas,
    above,
  );
  host.append(root);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const plot: Plot = {
    root,
    context,
    under,
    over,
    width: 0,
    height: 0,
    margin: { top: 0, right: 0, bottom: 0, left: 0 },
    dispose() {
      watch.disconnect();
      root.remove();
    },
  };

  function resize(): void {
    const width = Math.max(Math.floor(root.clientWidth), 200);
    const { height, margin } = sizes(width);
    const density = globalThis.devicePixelRatio || 1;
    plot.width = width - margin.left - margin.right;
    plot.height = height - margin.top - margin.bottom;
    plot.margin = margin;
    root.style.height = `${height}px`;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    context.setTransform(density, 0, 0, density, margin.left * density, margin.top * density);
    for (const svg of [below, above]) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const group of [under, over])
      group.setAttribute("transform", `translate(${margin.left} ${margin.top})`);
    draw(plot);
  }

  let seen = -1;
  const watch = new ResizeObserver(() => {
    if (root.clientWidth === seen || root.clientWidth === 0) return;
    seen = root.clientWidth;
    resize();
  });
  watch.observe(root);
  return plot;
}

/** Takes away all marks. */
export function wipe({ context, margin, width, height }: Plot): void {
  context.clearRect(
    -margin.left,
    -margin.top,
    width + margin.left + margin.right,
    height + margin.top + margin.bottom,
  );
}

/** Where the pointer is, within the plot's own room. */
export function pointer(plot: Plot, event: PointerEvent | MouseEvent): { x: number; y: number } {
  const box = plot.root.getBoundingClientRect();
  return { x: event.clientX - box.left - plot.margin.left, y: event.clientY - box.top - plot.margin.top };
}

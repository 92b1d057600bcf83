/** Colours of the theme that an element stands in, for drawing on a canvas. */

const NAMES = ["ink", "soft", "page", "line", "focus", "compute", "memory", "overhead", "unknown"] as const;
export type ColourName = (typeof NAMES)[number];
export type Colours = Record<ColourName, string>;

/** Returns the colours as they are now around `host`, which stands in the page. */
export function coloursOf(host: HTMLElement): Colours {
  return colours(host, NAMES);
}

/** Returns colours of the style sheet (`--tauto-NAME`) as a canvas takes them. */
export function colours<Name extends string>(
  host: HTMLElement,
  names: readonly Name[],
): Record<Name, string> {
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const style = getComputedStyle(probe);
  const found = names.map((name) => {
    probe.style.color = `var(--tauto-${name})`;
    return [name, style.color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

/** Calls `changed` whenever the page's theme changes; returns what ends that. */
export function watchTheme(changed: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "style", "data-jp-theme-name"],
    });
  }
  dark.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", changed);
  };
}

/** Returns black or white, whichever is read better on a colour that is written as `rgb(…)`. */
export function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000000" : "#ffffff";
}

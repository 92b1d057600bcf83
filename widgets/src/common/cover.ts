/**
 * A panel is displayed as two things: the static report, and below it what is live. As long as the live part draws, it
 * hides the static one; wherever no panel can draw (no kernel, another viewer), the static report is what is seen.
 */

/** Marks the element that holds the static report. */
const STATIC = ".tauto-static";

/** Hides the static report above `live`, if there is one; returns what shows it again. */
export function cover(live: HTMLElement): () => void {
  const above = outputAbove(live);
  if (above === null) return () => undefined;
  const display = above.style.display;
  above.style.display = "none";
  return () => {
    above.style.display = display;
  };
}

/** The nearest element around `live` that stands right below one that holds nothing but the static report. */
function outputAbove(live: HTMLElement): HTMLElement | null {
  for (let around: HTMLElement | null = live; around !== null; around = around.parentElement) {
    const before = around.previousElementSibling;
    if (before instanceof HTMLElement && (before.matches(STATIC) || before.querySelector(STATIC))) {
      return before.querySelectorAll(STATIC).length > 1 ? null : before;
    }
  }
  return null;
}

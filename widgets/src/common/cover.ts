/**
 * A panel is displayed as two things: the static report, and below it what is live. As long as the live part draws, it
 * hides the static one; wherever no panel can draw (no kernel, another viewer), the static report is what is seen.
 */

/** When it is looked for, in milliseconds: a notebook may place the two in either order. */
const LOOKS = [0, 50, 300, 1000, 3000];

/** Hides the static report that bears `token`; returns what shows it again. */
export function cover(token: string): () => void {
  const covered: [HTMLElement, string][] = [];
  const timers = LOOKS.map((delay) => setTimeout(look, delay));

  function look(): void {
    for (const report of document.querySelectorAll<HTMLElement>(`.tauto-of-${CSS.escape(token)}`)) {
      // in JupyterLab with its margin, so that no empty line stays
      const output = report.closest<HTMLElement>(".jp-OutputArea-child") ?? report;
      if (output.style.display === "none") continue;
      covered.push([output, output.style.display]);
      output.style.display = "none";
    }
  }

  return () => {
    for (const timer of timers) clearTimeout(timer);
    for (const [output, display] of covered) output.style.display = display;
  };
}

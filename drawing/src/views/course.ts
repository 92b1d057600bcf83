import { duration, plural, share } from "../data/numbers";
import { PHASES } from "../data/phases";
import { element } from "../dom";
import type { Profile } from "../reports/profile";
import { phasesView } from "./phases";
import { tableView } from "./table";

/** The course of the cell: the phases of its steps, and the lines at which its thread was found. */
export function courseView(host: HTMLElement, profile: Profile): () => void {
  const phases = phasesView(host, profile.phases);
  const { steps, lines } = profile;
  if (steps) {
    const found = `${plural(steps.count, steps.unit)}, ${duration(steps.median_ms)} at the median, ${duration(steps.p95_ms)} p95.`;
    host.append(element("p", {}, found));
  }
  if (lines.length) {
    tableView(host, lines, {
      caption: "Time by line of your code",
      columns: [
        { title: "Line", value: (line) => `${line.file}:${line.line}`, code: true },
        { title: "Code", value: (line) => line.source, code: true },
        {
          title: "Share",
          value: (line) => line.share,
          write: (line) => share(line.share),
          bar: (line) => line.share,
        },
        { title: "During", value: (line) => PHASES[line.phase] },
      ],
      more: "lines",
      sort: 2,
    });
    const how =
      "How often the thread of the cell was found at each line, looked at again and again; estimated, not counted.";
    host.append(element("p", { class: "tauto-soft" }, how));
  }
  return () => phases.dispose();
}

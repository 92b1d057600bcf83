/** All drawing of TAuto's front ends: the panels' and the JupyterLab renderer's, from the JSON of reports alone. */

import type { Search } from "./data/search";
import { studySearch } from "./data/study";
import { tuningSearch } from "./data/tuning";
import { kindOf, type Read } from "./reports/reading";
import { readStudy } from "./reports/study";
import { readTuning } from "./reports/tuning";
import type { View } from "./view";
import { profileView, readProfile } from "./views/profile";
import { searchView } from "./views/search";

export type { Search, Trial } from "./data/search";
export { lastRejected } from "./data/search";
export { studySearch } from "./data/study";
export { tuningSearch, UNDER_WAY } from "./data/tuning";
export { element } from "./dom";
export { kindOf, SCHEMA } from "./reports/reading";
export { readStudy } from "./reports/study";
export { readTuning } from "./reports/tuning";
export type { View } from "./view";
export type { SearchHost } from "./views/search";
export { searchView } from "./views/search";
export type { Selection } from "./views/selection";
export { profileView, readProfile };

/** What a host may say about how a report is shown. */
export type ReportOptions = Record<never, never>;

type Drawn = (host: HTMLElement, json: unknown, options: ReportOptions) => View | null;

/** Joins what reads a kind of report and what draws it; null where the JSON is refused. */
function reader<Report>(
  reading: (json: unknown) => Read<Report>,
  view: (host: HTMLElement, report: Report, options: ReportOptions) => View<Report>,
): Drawn {
  return (host, json, options) => {
    const { report } = reading(json);
    if (report === undefined) return null;
    const made = view(host, report, options);
    return {
      update(next) {
        const again = reading(next);
        if (again.report !== undefined) made.update(again.report);
      },
      dispose: () => made.dispose(),
    };
  };
}

/** Draws a search of either kind. */
function asSearch<Report>(
  host: HTMLElement,
  report: Report,
  search: (report: Report) => Search,
): View<Report> {
  const view = searchView(host, search(report));
  return { update: (next) => view.update(search(next)), dispose: () => view.dispose() };
}

/** One line a kind of report that has an interactive view. */
const VIEWS: Record<string, Drawn> = {
  profile: reader(readProfile, profileView),
  study: reader(readStudy, (host, report) => asSearch(host, report, studySearch)),
  tuning: reader(readTuning, (host, report) => asSearch(host, report, (one) => tuningSearch(one))),
};

/**
 * Draws a report into `host` by its kind. Returns null, with nothing drawn, where there is no view of it: another kind,
 * a newer schema, or JSON that is cut short. The report's own HTML is then what to show.
 */
export function reportView(host: HTMLElement, json: unknown, options: ReportOptions = {}): View | null {
  const kind = kindOf(json);
  const draw = kind !== null && Object.hasOwn(VIEWS, kind) ? VIEWS[kind] : undefined;
  return draw ? draw(host, json, options) : null;
}
export * from "./data/numbers";

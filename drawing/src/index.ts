/** All drawing of TAuto's front ends: the panels' and the JupyterLab renderer's, from the JSON of reports alone. */

import type { Search } from "./data/search";
import { studySearch } from "./data/study";
import { tuningSearch } from "./data/tuning";
import { readExploration } from "./reports/exploration";
import { kindOf, type Read } from "./reports/reading";
import { readRuns } from "./reports/runs";
import { readSensitivity } from "./reports/sensitivity";
import { readStudy } from "./reports/study";
import { readTuning } from "./reports/tuning";
import { readWeights } from "./reports/weights";
import type { View } from "./view";
import { comparisonView, readComparison } from "./views/comparison";
import { explorationView } from "./views/exploration";
import { fixView, readFix } from "./views/fix";
import { layersView, readLayers } from "./views/layers";
import { profileView, readProfile } from "./views/profile";
import { profileComparisonView, readProfileComparison } from "./views/profile_comparison";
import { runsReportView } from "./views/runs";
import { searchView } from "./views/search";
import { sensitivityView } from "./views/sensitivity";
import { weightsView } from "./views/weights";

export type { Search } from "./data/search";
export { lastRejected } from "./data/search";
export { studySearch } from "./data/study";
export { tuningSearch, UNDER_WAY } from "./data/tuning";
export { element } from "./dom";
export type { Exploration, Setting } from "./reports/exploration";
export { readExploration } from "./reports/exploration";
export { kindOf, SCHEMA } from "./reports/reading";
export { readStudy } from "./reports/study";
export { readTuning } from "./reports/tuning";
export { type Store, store } from "./store";
export type { View } from "./view";
export { explorationView } from "./views/exploration";
export { NO_TRIAL, type Trial, type Trying } from "./views/findings";
export { keepKeys } from "./views/keys";
export type { SearchHost } from "./views/search";
export { searchView } from "./views/search";
export type { Selection } from "./views/selection";
export { comparisonView, layersView, profileView, readComparison, readLayers, readProfile, readRuns };

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
  comparison: reader(readComparison, comparisonView),
  fix: reader(readFix, fixView),
  layers: reader(readLayers, layersView),
  profile: reader(readProfile, profileView),
  runs: reader(readRuns, runsReportView),
  sensitivity: reader(readSensitivity, sensitivityView),
  weights: reader(readWeights, weightsView),
  exploration: reader(readExploration, (host, report) => {
    const view = explorationView(host, { report, waiting: [] });
    return { update: (next) => view.update({ report: next, waiting: [] }), dispose: () => view.dispose() };
  }),
  study: reader(readStudy, (host, report) => asSearch(host, report, studySearch)),
  tuning: reader(readTuning, (host, report) => asSearch(host, report, (one) => tuningSearch(one))),
  profile_comparison: reader(readProfileComparison, profileComparisonView),
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
export { type CodeText, codeView } from "./views/code";
export {
  type Asked,
  type CompressionState,
  compressionView,
  readAnswer,
  readChoices,
  readPicture,
} from "./views/compression";
export { type History, historyView, readHistory } from "./views/history";

import type { AnyModel } from "@anywidget/types";
import { readStudy, readTuning, type Search, studySearch, tuningSearch } from "@tauto/drawing";

export interface SearchModel extends Record<string, unknown> {
  report: Record<string, unknown>;
  trials: Record<string, unknown>[];
  under_way: { number: number; title: string }[];
  best: number | null;
  progress: { message?: string; done?: number | null; seconds_left?: number | null };
  phase: string;
  search: number;
  use: Record<string, unknown>;
}

type Numbered = { number: number };

/** The trials of a search as they came: at first all of them, then only what changed. */
export class LiveSearch {
  readonly #model: AnyModel<SearchModel>;
  readonly #trials = new Map<number, Numbered>();
  #of = -1;
  #whole = true;
  #made: Search | null = null;
  #from: unknown[] = [];
  #taken = 0;

  constructor(model: AnyModel<SearchModel>) {
    this.#model = model;
    this.#begin();
  }

  /** Takes trials that ended or changed, as the kernel sends them. */
  take(search: number, trials: unknown[]): void {
    if (search !== this.#of) this.#begin();
    for (const trial of this.#read(trials)) this.#trials.set(trial.number, trial);
    this.#taken += 1;
  }

  /** The search as it is to be drawn, the same object until it changes; null where there is none that can be read. */
  search(): Search | null {
    const [report, best] = [this.#model.get("report"), this.#model.get("best")];
    if (this.#model.get("search") !== this.#of || this.#ended !== this.#whole) this.#begin();
    const from = [report, best, this.#of, this.#whole, this.#taken];
    if (from.some((value, place) => value !== this.#from[place])) {
      this.#from = from;
      this.#made = this.#search(report, best);
    }
    return this.#made;
  }

  #search(report: Record<string, unknown>, best: number | null): Search | null {
    if (report.kind === "tuning") {
      const read = readTuning(this.#whole ? report : { ...report, trials: [] }).report;
      return read ? tuningSearch(this.#filled(read), best) : null;
    }
    const read = readStudy(this.#whole ? report : { ...report, trials: [] }).report;
    return read ? studySearch(this.#filled(read), best) : null;
  }

  get #ended(): boolean {
    return this.#model.get("phase") === "ended";
  }

  #filled<Report extends { trials: Numbered[] }>(read: Report): Report {
    if (this.#whole) return read;
    // only what was read before with the same shape is in it
    return { ...read, trials: [...this.#trials.values()] as Report["trials"] };
  }

  #begin(): void {
    this.#of = this.#model.get("search");
    this.#whole = this.#ended;
    this.#trials.clear();
    if (!this.#whole)
      for (const trial of this.#read(this.#model.get("trials"))) this.#trials.set(trial.number, trial);
  }

  #read(trials: unknown[]): Numbered[] {
    const report = this.#model.get("report");
    const json = { ...report, trials };
    return (report.kind === "tuning" ? readTuning(json) : readStudy(json)).report?.trials ?? [];
  }
}

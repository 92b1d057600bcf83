import { describe, expect, test } from "vitest";
import { bestSoFar, front } from "../src/data/pareto";
import { ladder, scaleOf } from "../src/data/places";
import { inOrder, lastRejected } from "../src/data/search";
import { studySearch } from "../src/data/study";
import { tuningSearch } from "../src/data/tuning";
import { readStudy } from "../src/reports/study";
import { readTuning } from "../src/reports/tuning";
import { recipeTrial, study, studyTrial, tuning } from "./searches";

const read = <R>(found: { report?: R; refused?: string }): R => {
  if (found.report === undefined) throw new Error(found.refused);
  return found.report;
};
const axisOf = (search: ReturnType<typeof tuningSearch>, name: string) => {
  const found = search.axes.find((axis) => axis.name === name);
  if (found === undefined) throw new Error(`no axis ${name}`);
  return found;
};

describe("a search over recipes", () => {
  const limited = tuning({ limits: [{ kind: "latency", value: 3 }] });
  const search = tuningSearch(read(readTuning(limited)));

  test("stands across by its objective and up by what evaluate returned", () => {
    expect([search.across, search.up]).toEqual(["latency", "metric:accuracy"]);
    expect(search.trials.map((trial) => trial.figures.latency)).toEqual([4, 2, 1, undefined]);
    expect(search.original).toMatchObject({ latency: 8, "metric:accuracy": 0.98, speedup: 1 });
  });

  test("knows what keeps to the limits, and what loses too much", () => {
    expect(search.trials.map((trial) => trial.state)).toEqual(["outside", "good", "outside", "failed"]);
    expect(axisOf(search, "latency").limit).toEqual({ value: 3, bound: "at most" });
    expect(axisOf(search, "metric:accuracy").limit).toEqual({ value: 0.97, bound: "at least" });
    expect(lastRejected(search.trials)?.number).toBe(3);
  });

  test("has a front of what is within the limits and the original", () => {
    const points = front(
      search.trials,
      { number: null, x: 8, y: 0.98 },
      axisOf(search, "latency"),
      axisOf(search, "metric:accuracy"),
    );
    expect(points.map((point) => point.number)).toEqual([1, null]);
  });

  test("says so while it runs, and keeps the best so far apart from the rejected", () => {
    const running = tuning({ reason: "the search is under way", winner: null });
    const now = tuningSearch(read(readTuning(running)), 1);
    expect([now.verdict, now.best, now.trials[1]?.word]).toEqual(["", 1, "best"]);
  });

  test("without evaluate is judged by the nearness of the outputs", () => {
    const trials = [recipeTrial(0, 2, 0.98, { quality: [] })];
    const near = tuningSearch(
      read(readTuning(tuning({ trials, limits: [{ kind: "relative_error", value: 0.1 }] }))),
    );
    expect(near.up).toBe("relative_error");
    expect(axisOf(near, "relative_error").limit?.value).toBe(0.1);
  });

  test("offers as choices the techniques, with their settings", () => {
    expect(search.choices.map((choice) => choice.name)).toEqual(["openvino", "fold_batchnorm"]);
    expect(search.trials[1]?.choices).toEqual({ openvino: "int8", fold_batchnorm: "–" });
  });

  test("tells of a step's settings what is set, and neither brackets nor what is left empty", () => {
    const config = { observer: "minmax", keep: ["stem", "head"], bfloat16: [], symmetric: true, group: null };
    const set = {
      ...recipeTrial(0, 2, 0.98),
      recipe: { title: "int8", steps: [{ technique: "int8", config }] },
    };
    const told = tuningSearch(read(readTuning(tuning({ trials: [set] }))));
    expect(told.trials[0]?.choices).toEqual({ int8: "minmax, keep stem head, symmetric" });
  });
});

describe("a study", () => {
  const trials = [
    studyTrial(0, { lr: 0.1, opt: "sgd" }, 0.5),
    studyTrial(1, { lr: 0.01, opt: "adam" }, 0.9, {
      figures: { accuracy: 0.9, mb: 8 },
      over: { "mb <= 5": 3 },
    }),
    studyTrial(2, { lr: 0.001, opt: "adam" }, 0.8),
    { number: 3, state: "failed", params: {}, reason: "returned NaN" },
  ];
  const search = studySearch(read(readStudy(study({ trials, best: 2, constraints: ["mb <= 5"] }))));

  test("of one goal stands in the order of its trials, with the best so far", () => {
    expect([search.across, search.up]).toEqual(["trial", "goal:accuracy"]);
    const steps = bestSoFar(search.trials, axisOf(search, "goal:accuracy"));
    expect(steps).toEqual([
      { number: 0, value: 0.5 },
      { number: 2, value: 0.8 },
    ]);
  });

  test("says which constraint is broken, and shades it", () => {
    expect(search.trials[1]?.state).toBe("outside");
    expect(search.trials[1]?.reason).toBe("mb <= 5 is broken by 3.000");
    expect(axisOf(search, "figure:mb").limit).toEqual({ value: 5, bound: "at most" });
  });

  test("of several goals is drawn by two of them", () => {
    const goals = [
      { name: "accuracy", direction: "maximize" },
      { name: "ms", direction: "minimize" },
    ];
    const several = [studyTrial(0, { lr: 1 }, [0.9, 2]), studyTrial(1, { lr: 2 }, [0.8, 3])];
    const both = studySearch(read(readStudy(study({ goals, trials: several, best: null }))));
    expect([both.across, both.up]).toEqual(["goal:ms", "goal:accuracy"]);
    const found = front(both.trials, null, axisOf(both, "goal:ms"), axisOf(both, "goal:accuracy"));
    expect(found.map((point) => point.number)).toEqual([0]);
  });

  test("a name of the user's that is one of JavaScript's own does no harm", () => {
    const odd = studyTrial(0, { __proto__x: 1, constructor: "a", "<b>": "c" }, 0.5);
    const made = studySearch(read(readStudy(study({ trials: [odd] }))));
    expect(made.trials[0]?.title).toContain("<b> = c");
  });
});

test("a report that is cut short or of a newer schema is refused", () => {
  expect(readTuning({ ...tuning(), trials: [{}] }).refused).toContain("trials[0]");
  expect(readStudy({ ...study(), schema: 99 }).refused).toContain("newer TAuto");
  expect(readTuning(study()).refused).toContain("no tuning report");
});

test("trials are gone through along an axis; those without a place come last", () => {
  const search = tuningSearch(read(readTuning(tuning())));
  expect(inOrder(search.trials, "latency").map((trial) => trial.number)).toEqual([2, 1, 0, 3]);
});

describe("scales", () => {
  const axis = {
    name: "x",
    label: "x",
    better: "less" as const,
    written: (value: number) => `${value} ms`,
    plain: false,
    limit: { value: 50, bound: "at most" as const },
    log: false,
  };

  test("leave room for the limit, and write ticks in the axis's unit", () => {
    const scale = scaleOf(axis, [0, 10]);
    expect(scale.at(50)).toBeLessThan(1);
    expect(scale.ticks.every((tick) => tick.words.endsWith(" ms"))).toBe(true);
  });

  test("of one value or none are still scales, and of whole numbers have whole ticks", () => {
    expect(scaleOf({ ...axis, limit: null }, [3]).at(3)).toBe(0.5);
    expect(Number.isFinite(scaleOf(axis, []).at(1))).toBe(true);
    const ticks = scaleOf({ ...axis, plain: true, limit: null }, [0, 1, 2]).ticks;
    expect(ticks.map((tick) => tick.words)).toEqual(["0", "1", "2"]);
  });

  test("of many values do not overflow the stack", () => {
    const many = Array.from({ length: 300_000 }, (_, place) => place);
    expect(scaleOf(axis, many).at(0)).toBeGreaterThan(0);
  });

  test("of choices put numbers by their size and words one above the other", () => {
    expect(ladder("lr", [0.001, 0.01, 0.1, undefined], true).places).toEqual([0, 0.5, 1, null]);
    expect(ladder("opt", ["sgd", "adam", true], false).rungs.map((rung) => rung.words)).toEqual([
      "adam",
      "sgd",
      "true",
    ]);
    expect(ladder("one", ["same", "same"], false).places).toEqual([0.5, 0.5]);
  });
});

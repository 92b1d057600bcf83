/** Searches made by hand, as `tauto.reports` writes them. */

const measured = (ms: number) => ({
  latency: { p50_ms: ms, p95_ms: ms * 1.1, throughput_per_s: 1000 / ms },
  size_bytes: 1_000_000,
  memory: { steady_bytes: null },
});

/** A measured recipe that takes `ms` where the original takes 8. */
export function recipeTrial(number: number, ms: number, accuracy: number, more: object = {}) {
  const held = accuracy >= 0.97;
  return {
    number,
    recipe: { steps: [{ technique: "openvino", config: { precision: "int8" } }], title: "openvino (int8)" },
    status: number === 1 ? "kept" : "rejected",
    reason: "why",
    comparison: {
      original: measured(8),
      optimized: measured(ms),
      speedup: 8 / ms,
      speedup_interval: { low: 7.9 / ms, high: 8.1 / ms },
      size_ratio: 1,
      memory_ratio: null,
      quality_held: held,
      agreement: { cosine: 0.999, relative_error: 0.02, same_answer: null },
      verdict: "better",
      quality: [
        {
          metric: "accuracy",
          original: 0.98,
          optimized: accuracy,
          drop: 0.98 - accuracy,
          allowed_drop: 0.01,
          higher_is_better: true,
          held,
        },
      ],
      ...more,
    },
    preparation_s: 1,
    wall_s: 5,
    notes: [],
  };
}

export function tuning(more: object = {}) {
  const failed = {
    ...recipeTrial(3, 1, 1),
    recipe: { steps: [{ technique: "fold_batchnorm", config: {} }], title: "fold_batchnorm" },
    status: "failed",
    reason: "crashed with SIGSEGV (signal 11)",
    comparison: null,
  };
  return {
    kind: "tuning",
    schema: 1,
    verb: "autotune",
    model: "net",
    verdict: "improved",
    reason: "openvino (int8) is faster",
    objective: "latency",
    quality_rule: "accuracy may drop by 0.01",
    trials: [recipeTrial(0, 4, 0.98), recipeTrial(1, 2, 0.975), recipeTrial(2, 1, 0.6), failed],
    winner: 1,
    budget_s: 60,
    ...more,
  };
}

export function studyTrial(number: number, params: object, value: number | number[], more: object = {}) {
  return { number, state: "complete", params, values: [value].flat(), seconds: 1, ...more };
}

export function study(more: object = {}) {
  return {
    kind: "study",
    schema: 1,
    name: "digits",
    subject: "objective",
    storage: "studies.db",
    goals: [{ name: "accuracy", direction: "maximize" }],
    constraints: [],
    knobs: [
      { name: "lr", values: "0.001 … 0.1", log: true, importance: null },
      { name: "opt", values: "adam, sgd", log: false, importance: null },
    ],
    trials: [studyTrial(0, { lr: 0.1, opt: "sgd" }, 0.5)],
    best: 0,
    stopped: "the time was up",
    ...more,
  };
}

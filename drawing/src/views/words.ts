import { type Axis, SIGNS, type Trial } from "../data/search";

/** A trial in a sentence: its number, what it is, these figures, and why it is what it is. */
export function trialWords(trial: Trial, axes: readonly Axis[]): string {
  const figures = axes.flatMap((axis) => {
    const value = trial.figures[axis.name];
    return value === undefined || axis.name === "trial" ? [] : `${axis.label} ${axis.written(value)}`;
  });
  const head = `Trial ${trial.number}, ${SIGNS[trial.state]} ${trial.word}: ${trial.title}`;
  return [[head, ...new Set(figures)].join("; "), trial.reason].filter(Boolean).join(". ");
}

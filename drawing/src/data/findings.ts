import type { Finding, Tried } from "../reports/profile";
import { dataSize, ratio } from "./numbers";

/** What holds a cell back, by cause. */
export const CAUSES: Record<string, string> = {
  data: "The model waits for data",
  synchronisation: "The loop waits for results",
  mode: "The mode that the model is in",
  overhead: "Overhead around the arithmetic",
  precision: "Precision",
  layout: "Layout in memory",
  threads: "Threads",
  memory: "Memory",
  waste: "Work that nothing uses",
  seen: "Good to know",
};

/** Returns what a fix is expected to bring, said to be an estimate, and what that rests on. */
export function expectedWords({ speedup, bytes_saved, basis }: NonNullable<Finding["expected"]>): string {
  const parts: string[] = [];
  if (speedup !== null) parts.push(`${ratio(speedup)} as fast`);
  if (bytes_saved !== null) parts.push(`${dataSize(bytes_saved)} less memory`);
  const rests = basis.trim().replace(/\.$/, "");
  if (!parts.length) return `What it brings is to be measured (${rests}).`;
  return `Expected: ${parts.join(" and ")} (estimated: ${rests}).`;
}

const VERDICTS = { better: "better", same: "no difference", worse: "worse, so it did not help here" };

/** Returns what a fix brought when it was measured, and that it did not help where it did not. */
export function triedWords({ verdict, speedup, speedup_interval, bytes_saved }: Tried): string {
  const less = (saved: number) =>
    `${dataSize(Math.abs(saved))} ${saved >= 0 ? "less" : "more"} memory at the peak`;
  const saved = bytes_saved === null ? "" : `, ${less(bytes_saved)}`;
  return `Measured here: ${ratio(speedup, speedup_interval)} as fast${saved}: ${VERDICTS[verdict]}.`;
}

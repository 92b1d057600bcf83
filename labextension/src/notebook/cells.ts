/** What may stand in a cell, and what `%%tauto_profile` makes of it: plain functions of the cell's text. */

export const PROFILE_LINE = "%%tauto_profile";
export const LOAD_LINE = "%load_ext tauto_magics";

/** A cell to run profiled, or in words why it cannot be. */
export type Profiled = { source: string; refused?: never } | { source?: never; refused: string };

/** Puts `%%tauto_profile` above a cell; a cell that has it stays as it is. */
export function profiledCell(source: string): Profiled {
  const first = firstWord(source);
  if (first === null) return { refused: "This cell is empty: there is nothing to profile." };
  if (first === PROFILE_LINE) return { source };
  if (first.startsWith("%%")) {
    return {
      refused: `This cell begins with ${first}, and a cell has room for one such line. Take it out first.`,
    };
  }
  return { source: `${PROFILE_LINE}\n${source}` };
}

/** Takes `%%tauto_profile` off a cell; null where it has none. */
export function unprofiledCell(source: string): string | null {
  if (firstWord(source) !== PROFILE_LINE) return null;
  const lines = source.split("\n");
  return lines.slice(lines.findIndex((line) => line.trim() !== "") + 1).join("\n");
}

/** Statements that begin with these define or load something: a profile of them says nothing. */
const DEFINES = /^(import|from|def|class|async\s+def|@|#|[)\]}]|%|!)/;

/** Whether a cell does anything that a profile could tell of: not only imports, definitions and magics. */
export function isWorthProfiling(source: string): boolean {
  if (firstWord(source)?.startsWith("%%")) return firstWord(source) === PROFILE_LINE;
  return source.split("\n").some((line) => /^\S/.test(line) && !DEFINES.test(line));
}

/** Whether a cell loads TAuto's magics. */
export function loadsMagics(source: string): boolean {
  return /^\s*%(re)?load_ext\s+tauto_magics\s*$/m.test(source);
}

function firstWord(source: string): string | null {
  return /^\s*(\S+)/.exec(source)?.[1] ?? null;
}

/** The settings page's defaults of the magics, as a kernel takes them. */

/** What the settings page holds. */
export interface Page {
  budget: string;
  maxDrop: string;
  figures: string;
  options: Readonly<Record<string, string>>;
}

/** Reads the composite of the settings registry; what is not of its type counts as not set. */
export function pageOf(composite: Readonly<Record<string, unknown>>): Page {
  const text = (name: string) =>
    typeof composite[name] === "string" ? (composite[name] as string).trim() : "";
  const options = (composite.options ?? {}) as Record<string, unknown>;
  return {
    budget: text("budget"),
    maxDrop: text("maxDrop"),
    figures: text("figures"),
    options: Object.fromEntries(
      Object.entries(options).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
  };
}

/** Returns the page as `tauto_magics.lab.use_defaults` takes it, JSON with what is set and nothing else. */
export function defaultsOf(page: Page, isLight: boolean): string {
  const figures = page.figures === "as JupyterLab" ? (isLight ? "" : "dark") : page.figures;
  const options = Object.fromEntries(Object.entries(page.options).filter(([, words]) => words.trim() !== ""));
  return JSON.stringify({
    ...(page.budget && { budget: page.budget }),
    ...(page.maxDrop && { max_drop: page.maxDrop }),
    ...(figures && { figures }),
    ...(Object.keys(options).length && { options }),
  });
}

/** Nothing is set: a kernel need not be told. */
export const NOTHING = "{}";

/**
 * Returns the Python expression that hands `defaults` to a kernel: kept in its environment for magics loaded later, and
 * taken at once where they are loaded. It imports nothing of TAuto's and leaves no name behind.
 */
export function handingOver(defaults: string): string {
  const text = JSON.stringify(defaults); // a JSON string is a Python string, too
  return (
    `(__import__("os").environ.__setitem__("TAUTO_MAGICS_DEFAULTS", ${text}), ` +
    `"tauto_magics" in __import__("sys").modules and __import__("tauto_magics.lab").lab.use_defaults(${text}))[1]`
  );
}

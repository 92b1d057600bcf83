/** The notebooks that the launcher offers, as the build lists them. */

export interface Offered {
  /** The file's name, here and in the user's folder. */
  file: string;
  title: string;
  caption: string;
  kind: "tutorial" | "template";
}

/** Reads the list that the build wrote; what does not fit is left out. */
export function catalogueOf(json: unknown): Offered[] {
  return Array.isArray(json) ? json.filter(isOffered) : [];
}

function isOffered(value: unknown): value is Offered {
  const { file, title, caption, kind } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof file === "string" &&
    /^[\w-]+\.ipynb$/.test(file) &&
    typeof title === "string" &&
    typeof caption === "string" &&
    (kind === "tutorial" || kind === "template")
  );
}

/** A name that no file of the folder has: `faster.ipynb`, `faster-2.ipynb`. */
export function freeName(file: string, taken: ReadonlySet<string>): string {
  const stem = file.replace(/\.ipynb$/, "");
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? file : `${stem}-${number}.ipynb`;
    if (!taken.has(name)) return name;
  }
}

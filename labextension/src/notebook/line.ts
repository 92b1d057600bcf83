/** From what a dialog was told to the line that a person would have typed. */

/** What one field of a dialog asks for, as `tauto_magics.lab.form` tells it. */
export interface Field {
  /** The option as written, or the name of a word without one. */
  key: string;
  flag: string;
  asks: "model" | "choice" | "text" | "switch";
  needed: boolean;
  help: string;
  /** What fits here by what is in the kernel. */
  choices: string[];
}

/** What was filled in, by the field's key: a text, or whether a switch is on. */
export type Filled = ReadonlyMap<string, string | boolean>;

/** Returns the magic's line; what was left empty is left out. */
export function magicLine(magic: string, fields: readonly Field[], filled: Filled): string {
  const words = [`%${magic}`];
  for (const field of [...fields].sort((one, other) => Number(one.flag !== "") - Number(other.flag !== ""))) {
    const value = filled.get(field.key);
    if (value === true) words.push(field.flag);
    else if (typeof value === "string" && value.trim() !== "") {
      if (field.flag) words.push(field.flag);
      words.push(quoted(value.trim()));
    }
  }
  return words.join(" ");
}

/** A word by the shell's rules of quoting, as the magics read their lines. */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** What is still wanting before the line can run; empty when nothing is. */
export function wanting(fields: readonly Field[], filled: Filled): string {
  const missing = fields.filter((field) => field.needed && !filled.get(field.key));
  return missing.length ? `Choose a ${missing.map((field) => field.key).join(" and a ")} first.` : "";
}

/** `--max-drop` as a label: `Max drop`. */
export function label(field: Field): string {
  const words = (field.flag || field.key).replace(/^-+/, "").replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

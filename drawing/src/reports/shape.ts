/** Shapes that JSON must have: what is cut short or of another form is refused with the place named. */

export type Shape<T> = (value: unknown, place: string) => T;
export type Of<S> = S extends Shape<infer T> ? T : never;

/** The JSON is not what it should be; the message says where. */
export class Misshapen extends Error {}

function refuse(place: string, wanted: string): never {
  throw new Misshapen(`${place || "the report"} is not ${wanted}`);
}

export const text: Shape<string> = (value, place) =>
  typeof value === "string" ? value : refuse(place, "a text");

export const flag: Shape<boolean> = (value, place) =>
  typeof value === "boolean" ? value : refuse(place, "true or false");

const SPECIAL: Record<string, number> = { NaN: Number.NaN, Infinity: Number.POSITIVE_INFINITY };

/** A number; those that JSON does not know are written as texts. */
export const number: Shape<number> = (value, place) => {
  if (typeof value === "number") return value;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  const special = typeof value === "string" ? SPECIAL[value] : undefined;
  return special ?? refuse(place, "a number");
};

/** One of a few words. */
export function word<const Words extends readonly string[]>(...words: Words): Shape<Words[number]> {
  return (value, place) =>
    words.includes(value as string) ? (value as Words[number]) : refuse(place, `one of ${words.join(", ")}`);
}

/** The same, or null; a field that is not there is null too. */
export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return (value, place) => (value === null || value === undefined ? null : shape(value, place));
}

/** The same, or what stands for it where an earlier TAuto wrote no such field. */
export function otherwise<T>(shape: Shape<T>, instead: T): Shape<T> {
  return (value, place) => (value === undefined ? instead : shape(value, place));
}

export function list<T>(shape: Shape<T>): Shape<T[]> {
  return (value, place) =>
    Array.isArray(value)
      ? value.map((item, index) => shape(item, `${place}[${index}]`))
      : refuse(place, "a list");
}

/** Names of the user's own with values of one shape. */
export function table<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value, place) => {
    const entries = Object.entries(object(value, place));
    return Object.fromEntries(entries.map(([name, item]) => [name, shape(item, `${place}.${name}`)]));
  };
}

/** An object with these fields; others are left out. */
export function fields<Shapes extends Record<string, Shape<unknown>>>(
  shapes: Shapes,
): Shape<{ [Name in keyof Shapes]: Of<Shapes[Name]> }> {
  return (value, place) => {
    const given = object(value, place);
    const read = Object.entries(shapes).map(([name, shape]) => [
      name,
      shape(given[name], place ? `${place}.${name}` : name),
    ]);
    return Object.fromEntries(read);
  };
}

function object(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(place, "an object");
  return value as Record<string, unknown>;
}

/**
 * How numbers are written for people, as `tauto/rendering/numbers.py` does: three significant digits, units, and the
 * interval where there is one. A value that is not known is a dash.
 */

import type { Interval } from "../reports/profile";

export const UNKNOWN = "–";
const SIZES = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const FLOPS = ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"];

type Value = number | null | undefined;

function signed(words: string): string {
  return words.replace("-", "−");
}

function fixed(value: number, places: number): string {
  return signed(
    value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }),
  );
}

/** `number(1234.5)` is `1,234`. */
export function number(value: Value, digits = 3): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent <= -7 || exponent >= 12) return signed(value.toExponential(digits - 1));
  return fixed(value, Math.max(digits - 1 - exponent, 0));
}

function scaled(value: Value, units: string[]): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  if (Math.abs(value) < 1000 && Number.isInteger(value)) return signed(`${value} ${units[0]}`);
  let rest = value;
  let step = 0;
  // 999.6 would be written 1,000: the next unit is what a reader expects
  while (Math.abs(rest) >= 999.5 && step < units.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${number(rest)} ${units[step]}`;
}

/** `duration(2412)` is `2.41 s`; the time is given in milliseconds. */
export function duration(milliseconds: Value): string {
  if (milliseconds === null || milliseconds === undefined || !Number.isFinite(milliseconds)) {
    return number(milliseconds);
  }
  const size = Math.abs(milliseconds);
  if (size === 0) return "0 ms";
  if (size < 0.0009995) return `${number(milliseconds * 1e6)} ns`;
  if (size < 0.9995) return `${number(milliseconds * 1000)} µs`;
  if (size < 999.5) return `${number(milliseconds)} ms`;
  if (size < 99_950) return `${number(milliseconds / 1000)} s`;
  return clock(milliseconds / 1000);
}

function clock(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts: [number, string][] = hours
    ? [
        [hours, "h"],
        [minutes, "min"],
      ]
    : [
        [minutes, "min"],
        [rest, "s"],
      ];
  const words = parts
    .filter(([value]) => value)
    .map(([value, unit]) => `${value.toLocaleString("en-US")} ${unit}`);
  return (seconds < 0 ? "−" : "") + words.join(" ");
}

/** A size given in bytes; 1 MB is a million bytes. */
export const dataSize = (bytes: Value): string => scaled(bytes, SIZES);

/** A count of floating-point operations; a multiply and an add count as two. */
export const flops = (value: Value): string => scaled(value, FLOPS);

/** A whole number, its thousands apart. */
export const count = (value: Value): string =>
  value === null || value === undefined ? UNKNOWN : signed(value.toLocaleString("en-US"));

/** `1 call`, `2,400 calls`. */
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** A share of one as a percentage. */
export function share(value: Value): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  const percent = value * 100;
  if (percent === 0) return "0 %";
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  if (percent > 99.9 && percent < 100) return ">99.9 %";
  const size = Math.abs(percent);
  // near the whole a rounded figure would claim what is not so
  return `${fixed(percent, (size >= 9.95 && size < 99) || size >= 100 ? 0 : 1)} %`;
}

/** A ratio, with its interval where there is one, all to the same decimal place: `2.31× (2.25–2.37)`. */
export function ratio(value: Value, interval?: Interval | null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  if (interval && interval.high > 20 * interval.low) return between(interval);
  const middle = `${placed(value, value)}×`;
  if (!interval) return middle;
  return `${middle} (${placed(interval.low, value)}–${placed(interval.high, value)})`;
}

/** An interval too wide for a figure: only its ends are told. */
function between(interval: Interval): string {
  if (interval.low > 100) return "over 100×";
  if (interval.high < 0.01) return "under 0.01×";
  const low = interval.low >= 0.01 ? `${interval.low.toFixed(2)}×` : "under 0.01×";
  const high = interval.high <= 100 ? `${interval.high.toFixed(2)}×` : "over 100×";
  return `between ${low} and ${high}`;
}

function placed(value: number, like: number): string {
  const size = Math.abs(like);
  if (!Number.isFinite(value) || size >= 1e9 || (size > 0 && size < 0.001)) return number(value);
  return fixed(value, size >= 99.5 ? 0 : size >= 9.95 ? 1 : size >= 0.0995 ? 2 : 3);
}

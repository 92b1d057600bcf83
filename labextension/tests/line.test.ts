import { describe, expect, it } from "vitest";
import { type Field, label, magicLine, quoted, wanting } from "../src/notebook/line";

const field = (key: string, more: Partial<Field> = {}): Field => ({
  key,
  flag: key.startsWith("-") ? key : "",
  asks: "text",
  needed: false,
  help: "",
  choices: [],
  ...more,
});
const FIELDS = [field("--isolated", { asks: "switch" }), field("--budget"), field("model", { needed: true })];

describe("magicLine", () => {
  it("puts the model first, and leaves out what was left empty", () => {
    const filled = new Map<string, string | boolean>([
      ["model", "net"],
      ["--budget", " "],
      ["--isolated", false],
    ]);
    expect(magicLine("tauto_quantize", FIELDS, filled)).toBe("%tauto_quantize net");
  });

  it("writes switches alone and quotes what needs it", () => {
    const filled = new Map<string, string | boolean>([
      ["model", "net"],
      ["--budget", "20 trials"],
      ["--isolated", true],
    ]);
    expect(magicLine("tauto_autotune", FIELDS, filled)).toBe(
      "%tauto_autotune net --isolated --budget '20 trials'",
    );
  });
});

it("quotes as the shell reads it", () => {
  expect(quoted("1%")).toBe("1%");
  expect(quoted("model.0")).toBe("model.0");
  expect(quoted("it's; rm -rf")).toBe(`'it'"'"'s; rm -rf'`);
});

it("says what is wanting", () => {
  expect(wanting(FIELDS, new Map())).toBe("Choose a model first.");
  expect(wanting(FIELDS, new Map([["model", "net"]]))).toBe("");
});

it("labels an option in plain words", () => {
  expect(label(field("--max-drop"))).toBe("Max drop");
  expect(label(field("model"))).toBe("Model");
});

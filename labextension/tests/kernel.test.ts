import { describe, expect, it } from "vitest";
import { defaultsOf, handingOver, NOTHING, pageOf } from "../src/kernel/defaults";
import { inBrief, PROGRESS_MIME, progressOf, timeLeft } from "../src/notebook/progress";
import { catalogueOf, freeName } from "../src/opening/catalogue";

describe("the settings page", () => {
  it("tells a kernel nothing where nothing is set", () => {
    expect(defaultsOf(pageOf({ figures: "as JupyterLab", budget: " ", options: {} }), true)).toBe(NOTHING);
  });

  it("hands over what is set, under the magics' own names", () => {
    const page = pageOf({
      budget: "2min",
      maxDrop: "2%",
      figures: "dark",
      options: { tauto_autotune: "--isolated" },
    });
    expect(JSON.parse(defaultsOf(page, true))).toEqual({
      budget: "2min",
      max_drop: "2%",
      figures: "dark",
      options: { tauto_autotune: "--isolated" },
    });
  });

  it("has figures follow JupyterLab's theme", () => {
    const page = pageOf({ figures: "as JupyterLab" });
    expect(defaultsOf(page, false)).toBe('{"figures":"dark"}');
    expect(defaultsOf(page, true)).toBe(NOTHING);
  });

  it("is text for the kernel, whatever stands in it", () => {
    const hostile = pageOf({ budget: `"); import os; ("\\`, options: { x: 3, y: "--z" } });
    expect(hostile.options).toEqual({ y: "--z" });
    const expression = handingOver(defaultsOf(hostile, true));
    const literal = /"TAUTO_MAGICS_DEFAULTS", ("(?:[^"\\]|\\.)*")\)/.exec(expression)?.[1] ?? "";
    expect(JSON.parse(JSON.parse(literal)).budget).toBe(`"); import os; ("\\`);
  });
});

describe("progress", () => {
  it("is told in brief", () => {
    const data = {
      [PROGRESS_MIME]: {
        task: "autotune",
        message: "trying",
        done: 0.43,
        seconds_left: 20.4,
        stoppable: true,
      },
    };
    const progress = progressOf(data);
    expect(progress && inBrief(progress)).toBe("autotune: 43 %, about 20 s left");
    expect(timeLeft(59.6)).toBe("1 min");
    expect(timeLeft(3_723)).toBe("1 h 2 min");
  });

  it("is nothing where there is none", () => {
    expect(progressOf({ "text/plain": "3" })).toBeNull();
    expect(progressOf({ [PROGRESS_MIME]: { task: 3 } })).toBeNull();
    const bare = progressOf({ [PROGRESS_MIME]: { task: "profile", message: "looking", done: null } });
    expect(bare && inBrief(bare)).toBe("profile: looking");
  });
});

describe("the launcher's notebooks", () => {
  it("leaves out what is none of its own", () => {
    const good = { file: "01_quickstart.ipynb", title: "Quickstart", caption: "", kind: "tutorial" };
    expect(catalogueOf([good, { ...good, file: "../x.ipynb" }, null, { ...good, kind: "x" }])).toEqual([
      good,
    ]);
    expect(catalogueOf({})).toEqual([]);
  });

  it("never writes over a file", () => {
    expect(freeName("a.ipynb", new Set())).toBe("a.ipynb");
    expect(freeName("a.ipynb", new Set(["a.ipynb", "a-2.ipynb"]))).toBe("a-3.ipynb");
  });
});

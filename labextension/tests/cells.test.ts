import { describe, expect, it } from "vitest";
import { isWorthProfiling, loadsMagics, profiledCell, unprofiledCell } from "../src/notebook/cells";

describe("profiledCell", () => {
  it("puts the line above the cell, once", () => {
    expect(profiledCell("model(x)")).toEqual({ source: "%%tauto_profile\nmodel(x)" });
    expect(profiledCell("%%tauto_profile --memory\nmodel(x)")).toEqual({
      source: "%%tauto_profile --memory\nmodel(x)",
    });
  });

  it("refuses what it cannot profile, in words", () => {
    expect(profiledCell(" \n").refused).toContain("empty");
    expect(profiledCell("\n%%time\nmodel(x)").refused).toContain("begins with %%time");
  });
});

describe("unprofiledCell", () => {
  it("takes back what profiledCell did", () => {
    expect(unprofiledCell(profiledCell("a = 1\n\nmodel(x)").source ?? "")).toBe("a = 1\n\nmodel(x)");
    expect(unprofiledCell("%%time\nmodel(x)")).toBeNull();
  });
});

describe("isWorthProfiling", () => {
  it("leaves imports, definitions and magics alone", () => {
    expect(isWorthProfiling("import torch\nfrom torch import (\n    nn,\n)\n\ndef f():\n    return 1")).toBe(
      false,
    );
    expect(isWorthProfiling("%load_ext tauto_magics")).toBe(false);
    expect(isWorthProfiling("%%bash\nls")).toBe(false);
    expect(isWorthProfiling("")).toBe(false);
  });

  it("takes a cell that computes", () => {
    expect(isWorthProfiling("import torch\nx = torch.ones(3)")).toBe(true);
    expect(isWorthProfiling("%%tauto_profile\nmodel(x)")).toBe(true);
  });
});

it("knows a cell that loads the magics", () => {
  expect(loadsMagics("import torch\n%load_ext tauto_magics")).toBe(true);
  expect(loadsMagics("# load_ext tauto_magics")).toBe(false);
});

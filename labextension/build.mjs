// The JupyterLab extension in dist/: bundled by esbuild (with the drawing, without JupyterLab's own packages), then made
// a prebuilt extension by Jupyter's builder; beside it the notebooks that the launcher offers.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const { resolve } = createRequire(import.meta.url);

for (const made of ["lib", "dist"]) await rm(made, { recursive: true, force: true });
await build({
  entryPoints: { index: "src/index.ts", style: "src/style.css" },
  outdir: "lib",
  bundle: true,
  format: "esm",
  target: "es2022",
  external: ["@jupyterlab/*", "@lumino/*"],
  charset: "utf8",
});
const builder = resolve("@jupyter/builder/lib/build-labextension.js");
const core = join(dirname(resolve("@jupyterlab/core-meta/package.json")), "core.package.json");
execFileSync(process.execPath, [builder, "--core-package-file", core, "."], {
  stdio: ["ignore", "ignore", "inherit"],
});

const templates = ["make-my-model-faster", "find-out-why-training-is-slow", "shrink-for-the-edge"].map(
  (stem) => `${stem}.ipynb`,
);
const tutorials = (await readdir("../tutorials")).filter((name) => name.endsWith(".ipynb")).sort();
const offered = [];
await mkdir("dist/notebooks", { recursive: true });
for (const [kind, folder, files] of [
  ["template", "templates", templates],
  ["tutorial", "../tutorials", tutorials],
]) {
  for (const file of files) {
    const { cells } = JSON.parse(await readFile(join(folder, file), "utf8"));
    const [heading, ...text] = cells
      .find((cell) => cell.cell_type === "markdown")
      .source.join("")
      .split("\n");
    // a card has room for "Profiling", not for "Profiling: find what is slow, mend it, prove it"
    const [title, ...rest] = heading.replace(/^#+\s*/, "").split(": ");
    const words = (rest.length ? rest.join(": ") : text.join(" ")).trim().replace(/\s+/g, " ");
    offered.push({ file, title, caption: words.charAt(0).toUpperCase() + words.slice(1), kind });
    await copyFile(join(folder, file), join("dist/notebooks", file));
  }
}
await writeFile("dist/notebooks/index.json", JSON.stringify(offered));

// which tool takes the extension away again
const install = {
  packageManager: "python",
  packageName: "tauto",
  uninstallInstructions: "Use your Python package manager (pip, conda, etc.) to uninstall the package tauto",
};
await writeFile("dist/install.json", JSON.stringify(install));

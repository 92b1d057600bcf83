// One front end a panel: src/NAME.ts becomes tauto_widgets/static/NAME.js, whole in itself.
import { mkdir, readdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const sources = (await readdir("src")).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const out = "tauto_widgets/static";
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  entryPoints: sources.map((name) => `src/${name}`),
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  loader: { ".css": "text" },
  charset: "utf8",
  legalComments: "none",
});

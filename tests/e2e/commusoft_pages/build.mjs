// Bundle the pages of React and Angular, which ship no file that a page can load: node build.mjs FOLDER

import { build } from "esbuild";
import { fileURLToPath } from "node:url";

await build({
  entryPoints: ["react", "angular"].map((name) => fileURLToPath(new URL(`web/${name}.js`, import.meta.url))),
  outdir: process.argv[2],
  bundle: true,
  format: "iife",
  define: { "process.env.NODE_ENV": '"production"', ngDevMode: "false" },
  logLevel: "error",
});

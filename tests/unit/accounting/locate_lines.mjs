// Reads addresses as JSON lines, writes what the extension's half says about each.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { cautions, locate } from "../../../extension/lib/page/locate.js";

const packages = JSON.parse(readFileSync(process.argv[2], "utf8"));
for await (const line of createInterface({ input: process.stdin })) {
  const location = locate(JSON.parse(line), packages);
  process.stdout.write(JSON.stringify([location, cautions(location, packages)]) + "\n");
}

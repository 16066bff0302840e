/** Starts a contender as bin/cli.mjs starts Quarterdeck, with the compile cache: `node start.mjs FILE.ts ARGUMENT…`. */
import { enableCompileCache } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

enableCompileCache(fileURLToPath(new URL("../../node_modules/.cache/bench", import.meta.url)));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1]).href);

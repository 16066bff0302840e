import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { step } from "./progress.mjs";
import { run } from "./run.mjs";

const PAGES = ["app", "dashboards"];
const CONFIGURATION = ["next.config.js", "tsconfig.json", "package-lock.json"];
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([#.][^"]+)"/g;
/** Next's compiler uses all memory up to this limit, which is enough for these pages. */
const HEAP_MB_MAX = 1_024;

/** Builds the Next.js app unless the existing build comes from the same files. */
export async function buildIfNeeded(root, node) {
  if (isDone(root)) return;
  const stamp = stampOf(root);
  const inputs = inputsHash(root);
  rmSync(stamp, { force: true });
  const env = {
    NEXT_TELEMETRY_DISABLED: "1",
    NODE_ENV: "production",
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MB_MAX}`,
  };
  const next = path.join(root, "node_modules", "next", "dist", "bin", "next");
  await step("Building the pages", () => run([node, next, "build"], { env }));
  writeFileSync(stamp, JSON.stringify({ inputs }));
}

buildIfNeeded.isDone = isDone;

function isDone(root) {
  try {
    const { inputs } = JSON.parse(readFileSync(stampOf(root), "utf8"));
    return inputs === inputsHash(root) && existsSync(path.join(root, ".next", "BUILD_ID"));
  } catch {
    return false; // Never built, or interrupted.
  }
}

const stampOf = (root) => path.join(root, ".next", "quarterdeck-build.json");

/** A hash of the pages, their imports, and the configuration of the build. */
function inputsHash(root) {
  const hash = createHash("sha256");
  for (const file of inputFiles(root)) {
    hash
      .update(`${path.relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex");
}

function inputFiles(root) {
  const files = new Set(
    [
      ...PAGES.flatMap((folder) => filesIn(path.join(root, folder))),
      ...CONFIGURATION.map((name) => path.join(root, name)),
    ].filter((file) => existsSync(file) && !/\.test\.tsx?$/.test(file)),
  );
  // Iterating a set includes what is added meanwhile, and so imports of imports.
  for (const file of files) {
    if (!/\.[jt]sx?$/.test(file)) continue;
    for (const [, target] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const found = target.startsWith("#")
        ? path.join(root, target.slice(1))
        : path.join(path.dirname(file), target);
      if (existsSync(found) && path.extname(found) !== "") files.add(found);
    }
  }
  return [...files].sort();
}

function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

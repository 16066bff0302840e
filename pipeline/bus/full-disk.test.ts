import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, onTestFinished, test } from "vitest";

import { readUntil, TestStore } from "./contract.ts";
import { openEmbeddedBus } from "./embedded-bus.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FILE_KIB_MAX = 64;

/** Appends numbered lines concurrently, and prints which were acknowledged and why others were rejected. */
const CHILD = `
import { openEmbeddedBus } from "#pipeline/bus/embedded-bus.ts";
const bus = openEmbeddedBus({ folder: process.argv[1] });
const taken = [], refused = new Set();
for (let n = 0; n < 3000; n += 10) {
  await Promise.all(Array.from({ length: 10 }, async (_, i) => {
    const line = JSON.stringify({ n: n + i, text: "x".repeat(Math.random() * 200) }) + "\\n";
    await bus.append({ header: { format: "ecs", fields: {} }, lines: Buffer.from(line) }).then(
      () => taken.push(n + i),
      (error) => refused.add(error.code),
    );
  }));
}
console.log(JSON.stringify({ taken, refused: [...refused] }));
process.exit(0);`;

test("a partially written append is rejected completely, and acknowledged lines are read once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck full "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // A limit of the file size fails in the middle of a write, like a full disk.
  const limited = `trap '' XFSZ; ulimit -f ${FILE_KIB_MAX}; exec "$@"`;
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", CHILD, folder];
  const { stdout } = await promisify(execFile)(
    "bash",
    ["-c", limited, "bash", process.execPath, ...flags],
    { cwd: ROOT, maxBuffer: 10_000_000 },
  );
  const { taken, refused } = JSON.parse(stdout);
  expect(refused).toEqual(["unavailable"]);
  expect(taken.length).toBeGreaterThan(1_000);
  const store = new TestStore();
  await readUntil(store, () => Promise.resolve(openEmbeddedBus({ folder })), taken.length);
  expect(store.numbers).toEqual(taken.toSorted((a: number, b: number) => a - b));
}, 60_000);

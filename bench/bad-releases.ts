/**
 * Deploys bad releases under a light load and checks how they end: `node bench/bad-releases.ts --edge local|real --each 20
 * [--kinds crash-loop,errors]`. The last line says how many ended as promised and how many requests failed; the exit status is 1 if any did not.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { BAD_KINDS } from "./lib/bad-release-kinds.ts";
import { BadReleases, lineOf } from "./lib/bad-releases.ts";
import { interruption } from "./lib/interruption.ts";

const WORKLOADS = 5;
const EXIT_S = 30;

const { values } = parseArgs({
  options: {
    edge: { type: "string", default: "local" },
    each: { type: "string", default: "20" },
    kinds: { type: "string", default: Object.keys(BAD_KINDS).join(",") },
  },
});
const kinds = values.kinds.split(",");
const unknown = kinds.filter((kind) => BAD_KINDS[kind] === undefined);
if (values.edge !== "local" && values.edge !== "real") stop("--edge is local or real");
if (!/^[1-9]\d{0,3}$/.test(values.each)) stop("--each is a number from 1 to 9999");
if (unknown.length > 0)
  stop(`--kinds are ${Object.keys(BAD_KINDS).join(", ")}, not ${unknown.join(", ")}`);

const folder = await mkdtemp(path.join(tmpdir(), "qd-"));
const say = (line: string): void => void process.stderr.write(`${line.slice(0, 160)}\n`);
const signal = interruption(say);
try {
  await using bench = BadReleases.open({
    folder,
    edge: values.edge === "real" ? "haproxy" : "local",
    // Other edges of this machine use the same ports at addresses of their own.
    host: `127.${randomInt(128, 200)}.${randomInt(1, 250)}.${randomInt(1, 250)}`,
    workloads: WORKLOADS,
    exitS: EXIT_S,
    say,
    signal,
  });
  const startedMs = performance.now();
  const results = await bench.run(kinds, Number(values.each));
  const seconds = (performance.now() - startedMs) / 1_000;
  const sorted = results.toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  const promised = results.filter(({ fault }) => fault === undefined).length;
  const failed = results.reduce((sum, it) => sum + it.failed.length, 0);
  const requests = results.reduce((sum, it) => sum + it.requests, 0);
  for (const result of sorted) process.stdout.write(`${lineOf(result)}\n`);
  process.stdout.write(`${requests} requests in ${seconds.toFixed(0)} s\n`);
  process.stdout.write(
    `${promised} of ${results.length} bad releases ended as promised, ${failed} requests failed\n`,
  );
  if (promised < results.length || failed > 0) process.exitCode = 1;
} catch (error) {
  if (!signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function stop(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}

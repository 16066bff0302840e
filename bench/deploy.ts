/**
 * Deploys of the five domain APIs under load, with their tasks, edge nodes, controller and database killed:
 * `node bench/deploy.ts --edge local|real --deploys 100 --requests 1000000 [--clients 24] [--kill-controller] [--seed 1] [--against RIVAL]`.
 * The last line says how many requests failed, and how long roll-backs took. `bench/README.md` defines *failed*.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { RIVALS, runBench } from "./lib/deploy-bench.ts";
import { failuresOf, reportOf } from "./lib/deploy-report.ts";
import { interruption } from "./lib/interruption.ts";

const { values } = parseArgs({
  options: {
    edge: { type: "string", default: "local" },
    deploys: { type: "string", default: "100" },
    requests: { type: "string", default: "1000000" },
    clients: { type: "string", default: "24" },
    seed: { type: "string" },
    against: { type: "string" },
    "kill-controller": { type: "boolean", default: false },
  },
});
if (values.edge !== "local" && values.edge !== "real") {
  process.stderr.write("--edge is local or real\n");
  process.exit(2);
}
const against = RIVALS.find((it) => it === values.against);
if (values.against !== undefined && (against === undefined || values.edge === "local")) {
  process.stderr.write(`--against is ${RIVALS.join(", ")}, and needs --edge real\n`);
  process.exit(2);
}
const folder = await mkdtemp(path.join(tmpdir(), "qd-"));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const signal = interruption(say);
try {
  const result = await runBench(
    {
      folder,
      edge: values.edge === "real" ? "haproxy" : "local",
      against,
      killsController: values["kill-controller"],
      clients: Number(values.clients),
      seed: Number(values.seed ?? randomBytes(4).readUInt32LE()),
      say,
      signal,
    },
    { deploys: Number(values.deploys), requests: Number(values.requests) },
  );
  process.stdout.write(`${reportOf(result)}\n`);
  if (failuresOf(result) > 0) process.exitCode = 1;
  else if (signal.aborted) process.exitCode = 130;
} catch (error) {
  if (!signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  // With failures the logs tell why.
  if (process.exitCode === 1) process.stderr.write(`everything is kept in ${folder}\n`);
  else await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

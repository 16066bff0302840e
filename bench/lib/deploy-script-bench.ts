import path from "node:path";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import type { BenchOptions, BenchResult, Installation } from "./deploy-bench.ts";
import { LoadProcess } from "./deploy-load-process.ts";
import type { RollBack } from "./deploy-roll-back.ts";
import { DeployScript } from "./deploy-script.ts";
import { killTask } from "./kill-task.ts";

const TASKS = 2;
const ROLL_BACK_EVERY = 3;

/** The same load and kills with the usual script. A roll-back is a deploy of the release before. */
export async function benchScript(
  options: BenchOptions,
  { env, root }: Installation,
  wanted: { deploys: number; requests: number },
): Promise<BenchResult> {
  const { folder, clients, say, signal } = options;
  const startedMs = performance.now();
  await using script = await DeployScript.open(path.join(folder, "data"), env);
  const load = new LoadProcess();
  for (const name of SERVICE_NAMES) await script.deploy(name, "r0", TASKS);
  await load.start(script.urlOf, { root, clients });
  const deployS: number[] = [];
  const rollBacks: RollBack[] = [];
  let deploys = 0;
  for (let at = 1; at <= wanted.deploys || load.requests < wanted.requests; at += 1) {
    const name = SERVICE_NAMES[at % SERVICE_NAMES.length] ?? "billing";
    signal.throwIfAborted();
    const beganMs = performance.now();
    const [task = ""] = await script.deploy(name, `r${at}`, TASKS);
    deployS.push((performance.now() - beganMs) / 1_000);
    killTask(folder, task);
    if (at % ROLL_BACK_EVERY === 0) {
      const decidedMs = performance.now();
      await script.deploy(name, "r0", TASKS);
      const ms = performance.now() - decidedMs;
      rollBacks.push({
        from: "served",
        decidedMs: 0,
        sentMs: 0,
        appliedMs: ms,
        ms,
        confirmedMs: ms,
      });
    }
    deploys = at;
    say(`deploy ${at} of ${name}; ${load.requests} requests, ${load.failed} failed`);
  }
  return {
    options,
    load: await load.stop(),
    deploys,
    outcomes: { succeeded: deploys },
    rollBacks,
    deployS,
    chaos: { task: deploys },
    controllerKills: 0,
    seconds: (performance.now() - startedMs) / 1_000,
  };
}

import { createHash } from "node:crypto";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { SERVICE_NAMES } from "#api/kit/service.ts";
import { kitSettings } from "#api/kit/settings.ts";
import { StartRequest } from "#dashboards/deploys/requests.ts";
import type { Deployer } from "#deployer/engine/deployer.ts";
import type { Log } from "#platform/log.ts";
import { parseSettings, type Environment } from "#platform/settings/settings.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

import type { DeploysService } from "./service.ts";
import type { ManagedWorkloads } from "./workloads/all-workloads.ts";

export type DeployApisDeps = {
  deployer: Deployer;
  workloads: ManagedWorkloads;
  service: Pick<DeploysService, "start" | "list">;
  dataFolder: string;
  env: Environment;
};

/** By service: a hash of the settings with which its tasks were to be deployed last. */
const Settings = z.record(z.string(), z.string());

/** Who asks for these deploys, in the audit log. */
const START = "quarterdeck start";
/** Nobody is there to compare a first release with, and the same release needs no comparison. */
const STRATEGY = {
  kind: "all-at-once",
  analyseMs: 0,
  bakeMs: 0,
  drainMs: 0,
  warmUp: false,
} as const;

const RETRY_MS = 2_000;

/** Deploys the domain APIs, again and again if that fails, as it does without a port that the edge needs. */
export async function keepDeployingApis(
  deps: DeployApisDeps & { log: Log },
  signal: AbortSignal,
): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    try {
      await deployApis(deps);
      return;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== told) {
        deps.log.error("the domain APIs cannot be deployed, which is tried again", { message });
      }
      told = message;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Deploys the domain APIs that no release serves yet, and those whose settings have changed since the last start: a task has the
 * settings of its deploy. What is under way goes on.
 */
async function deployApis(deps: DeployApisDeps): Promise<void> {
  const { deployer, workloads, service, dataFolder, env } = deps;
  const first = parseSettings({ kit: { release: kitSettings.release } }, env).kit.release;
  const file = path.join(dataFolder, "deploys", "api-settings.json");
  const before = readStateFile(file, Settings).value ?? {};
  const now = Object.fromEntries(
    SERVICE_NAMES.map((name) => [name, hashOf(workloads.find(name).environmentOf(""))]),
  );
  const asked = { ...before };
  for (const workload of SERVICE_NAMES) {
    const { active, queue, workload: record } = deployer.status(workload);
    // It goes on with the settings that it has; the next start looks again.
    if (active ?? queue[0]) continue;
    const live = record.releases[record.live];
    const isAsked = before[workload] === now[workload] && !(await hasFailed(workload, deps));
    asked[workload] = now[workload] ?? "";
    if (live !== null && isAsked) continue;
    const reason = live === null ? "the first start" : "its settings have changed";
    const request = { workload, release: live ?? first, strategy: STRATEGY, reason };
    await service.start({ ...StartRequest.parse(request), actor: START });
  }
  writeStateFile(file, asked);
}

/** Whether the last deploy was one of these and did not succeed, so that the tasks have older settings. */
async function hasFailed(workload: string, { service }: DeployApisDeps): Promise<boolean> {
  const {
    deploys: [last],
  } = await service.list({ workload, limit: 1 });
  return last?.createdBy === START && last.outcome !== "succeeded";
}

const hashOf = (settings: Readonly<Record<string, string>>): string => {
  const sorted = Object.entries(settings).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
};

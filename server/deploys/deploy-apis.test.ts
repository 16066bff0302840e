import { mkdirSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";
import { testDeploy } from "#deployer/journal/testing-records.ts";
import { silentLog } from "#platform/log.ts";

import { temporaryFolder } from "../../tests/harness/program.ts";
import { type DeployApisDeps, keepDeployingApis } from "./deploy-apis.ts";
import { summaryOf } from "./views/summary.ts";

const START = "quarterdeck start";

/** All APIs serve 0.1.0; the last deploy of Billing is as said. */
function world(dataFolder: string) {
  mkdirSync(path.join(dataFolder, "deploys"));
  const state = { settings: "before", isActive: false, outcome: "succeeded" };
  const started: string[] = [];
  const last = summaryOf(testDeploy("dep_1", "queued"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of them is used
  const deps = {
    deployer: {
      status: (name: string) => ({
        active: name === "billing" && state.isActive ? last : undefined,
        queue: [],
        workload: { live: "blue", releases: { blue: "0.1.0", green: null } },
      }),
    },
    workloads: {
      find: (name: string) => ({
        environmentOf: () => ({ SETTING: name === "billing" ? state.settings : "" }),
      }),
    },
    service: {
      start: ({ workload }: { workload: string }) => {
        started.push(workload);
        return Promise.resolve(last);
      },
      list: ({ workload }: { workload: string }) => {
        const outcome = workload === "billing" ? state.outcome : "succeeded";
        return Promise.resolve({ deploys: [{ ...last, createdBy: START, outcome }], next: null });
      },
    },
    dataFolder,
    env: {},
  } as unknown as DeployApisDeps;
  /** The APIs that a start of Quarterdeck deploys. */
  async function start(): Promise<string[]> {
    started.length = 0;
    await keepDeployingApis({ ...deps, log: silentLog() }, new AbortController().signal);
    return [...started];
  }
  return { state, start };
}

test("an API is deployed again with changed settings, also if another deploy was under way at the start before", async () => {
  await using folder = await temporaryFolder();
  const { state, start } = world(folder.path);
  expect(await start()).toEqual([...SERVICE_NAMES]);
  expect(await start()).toEqual([]);
  state.settings = "after";
  state.isActive = true;
  expect(await start()).toEqual([]);
  state.isActive = false;
  expect(await start()).toEqual(["billing"]);
  expect(await start()).toEqual([]);
});

test("one that failed is tried again by the next start", async () => {
  await using folder = await temporaryFolder();
  const { state, start } = world(folder.path);
  await start();
  state.outcome = "rolled-back";
  expect(await start()).toEqual(["billing"]);
  state.outcome = "succeeded";
  expect(await start()).toEqual([]);
});

import { rmSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { testDeploy } from "#deployer/journal/testing-records.ts";
import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import { silentLog } from "#platform/log.ts";

import { DeployEvents } from "./deploy-events.ts";
import { ShownBus } from "./shown-bus.ts";

/** How many events of deploys are in the bus of a folder. */
async function eventsIn(folder: string): Promise<number> {
  await using bus = openBus({ url: busUrlIn(folder) });
  let events = 0;
  for await (const { lines } of bus.recent()) {
    events += Buffer.from(lines).toString("utf8").trim().split("\n").length;
  }
  return events;
}

const startedNow = (id: string) => {
  const deploy = testDeploy(id, "queued");
  return { ...deploy, history: deploy.history.map((it) => ({ ...it, atMs: Date.now() })) };
};

test("events go to the bus of the demo while it is shown, and then, without a restart, to that of the logs", async () => {
  const data = temporaryFolder();
  const demo = path.join(data, "demo");
  let shown = demo;
  await using bus = new ShownBus(() => busUrlIn(shown));
  const events = await DeployEvents.open(bus, silentLog());
  await events.written(startedNow("dep_1"));
  expect(await eventsIn(demo)).toBe(1);
  shown = data;
  rmSync(demo, { recursive: true });
  await events.written(startedNow("dep_2"));
  expect(await eventsIn(data)).toBe(1);
});

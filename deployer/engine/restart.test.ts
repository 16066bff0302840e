import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openJournal } from "../journal/open-journal.ts";
import { simpleJudge } from "../machine/judge.ts";
import { LIMITS } from "../machine/limits.ts";
import { QUIET } from "../simulation/scenario.ts";
import { requestOf, testDrivers } from "../simulation/testing-deployer.ts";
import { World } from "../simulation/world.ts";
import { Deployer } from "./deployer.ts";
import { PACE } from "./observer.ts";
import { systemTimer } from "./timer.ts";

const limits = { ...LIMITS, fleetLagMs: 300 };

test("a controller continues from the file of another one, in real time", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck deployer "));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const world = new World(QUIET, systemTimer);
  const drivers = testDrivers(world, ["billing"]);
  let id: string | undefined;
  for (const until of ["provisioning", "admitting", "committing", "succeeded"] as const) {
    await using journal = await openJournal({ dataFolder, databaseUrl: undefined });
    if (journal === undefined) throw new Error("the controller before still has the journal");
    const deployer = await Deployer.open({
      journal,
      drivers,
      timer: systemTimer,
      limits,
      pace: { ...PACE, activeMs: 100 },
      judge: simpleJudge(),
      workloads: [{ name: "billing", slotsPerColour: 4 }],
    });
    id ??= (await deployer.request(requestOf("billing", "r1"))).id;
    const deploy = id;
    const states = async () => (await journal.deploy(deploy))?.history.map(({ state }) => state);
    await expect.poll(states).toContain(until);
    deployer.close();
  }
});

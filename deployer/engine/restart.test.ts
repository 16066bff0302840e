import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { Drivers } from "../drivers.ts";
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

/** A controller that continues from the journal of the one before, which must be closed. */
async function openNext(
  dataFolder: string,
  { drivers, slotsPerColour }: { drivers: Drivers; slotsPerColour: number },
) {
  const journal = await openJournal({ dataFolder, databaseUrl: undefined });
  if (journal === undefined) throw new Error("the controller before still has the journal");
  const deployer = await Deployer.open({
    journal,
    drivers,
    timer: systemTimer,
    limits,
    pace: { ...PACE, activeMs: 100 },
    judge: simpleJudge(),
    workloads: [{ name: "billing", slotsPerColour }],
  });
  const close = async (): Promise<void> => {
    deployer.close();
    await journal[Symbol.asyncDispose]();
  };
  onTestFinished(close);
  return { journal, deployer, close };
}

test("a controller with more slots than the one before puts more tasks into them", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck deployer "));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const drivers = testDrivers(new World(QUIET, systemTimer), ["billing"]);
  const open = async (slotsPerColour: number) => {
    const next = await openNext(dataFolder, { drivers, slotsPerColour });
    const { blue, green } = next.deployer.status("billing").workload.slots;
    return { ...next, slots: [blue.length, green.length] };
  };
  const first = await open(4);
  const { id } = await first.deployer.request(requestOf("billing", "r1"));
  await expect
    .poll(async () => (await first.journal.deploy(id))?.state, { timeout: 30_000 })
    .toBe("succeeded");
  await first.close();

  const second = await open(6);
  expect(second.slots).toEqual([6, 6]);
  const { plan } = await second.deployer.request(requestOf("billing", "r2", { count: 6 }));
  const serving = (): (number | undefined)[] | undefined =>
    second.deployer
      .status("billing")
      .seen.nodes?.map(
        ({ view }) => view?.slots[plan.newColour].filter(({ state }) => state === "ready").length,
      );
  await expect.poll(() => new Set(serving()), { timeout: 30_000 }).toEqual(new Set([6]));
  await second.close();
  // Tasks are in them.
  expect((await open(2)).slots).toEqual([6, 6]);
}, 90_000);

test("a controller continues from the file of another one, in real time", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck deployer "));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const world = new World(QUIET, systemTimer);
  const drivers = testDrivers(world, ["billing"]);
  let id: string | undefined;
  for (const until of ["provisioning", "admitting", "committing", "succeeded"] as const) {
    const { journal, deployer, close } = await openNext(dataFolder, { drivers, slotsPerColour: 4 });
    id ??= (await deployer.request(requestOf("billing", "r1"))).id;
    const deploy = id;
    const states = async () => (await journal.deploy(deploy))?.history.map(({ state }) => state);
    await expect.poll(states).toContain(until);
    await close();
  }
});

import { expect, test } from "vitest";

import type { Kit, Service } from "#api/kit/service.ts";
import { type TestService, testService } from "#api/kit/testing.ts";

import { ATTEMPTS_MAX, type JobHandlers } from "./jobs.ts";

const PATIENCE = { timeout: 20_000 };

/** A service that does nothing but jobs. */
function worker(jobs: JobHandlers, patient = false): { service: Service; kit(): Kit } {
  let given: Kit | undefined;
  return {
    service: {
      name: "management",
      title: "Jobs",
      description: "Jobs",
      permissions: {},
      migrations: [],
      open(kit) {
        given = kit;
        return Promise.resolve({ routes: [], jobs, patient });
      },
    },
    kit() {
      if (given === undefined) throw new Error("it is not open");
      return given;
    },
  };
}

const add = (kit: Kit, kind: string): Promise<void> =>
  kit.database.transaction((tx) => kit.jobs.add(tx, { kind, payload: {} }));
const left = (service: TestService) =>
  service.database.query("SELECT kind, attempts, failed_at IS NOT NULL AS failed FROM jobs");

test("a job that takes long holds up no other", async () => {
  const slow = Promise.withResolvers<void>();
  const done: string[] = [];
  const { service: jobs, kit } = worker({
    slow: async () => slow.promise,
    quick: async () => void done.push("quick"),
  });
  await using service = await testService(jobs, { jobs: true });
  await add(kit(), "slow");
  await expect.poll(() => left(service), PATIENCE).toMatchObject([{ kind: "slow", attempts: 1 }]);
  for (let count = 1; count <= 20; count += 1) await add(kit(), "quick");
  await expect.poll(() => done.length, PATIENCE).toBe(20);
  slow.resolve();
  await expect.poll(() => left(service), PATIENCE).toEqual([]);
});

test("a job that takes longer than its lease stays with the process that does it", async () => {
  const slow = Promise.withResolvers<void>();
  const begun: string[] = [];
  const by = (name: string) => worker({ slow: () => (begun.push(name), slow.promise) });
  const first = by("first");
  await using one = await testService(first.service, { jobs: true });
  await using two = await testService(by("second").service, { databaseUrl: one.databaseUrl });
  await add(first.kit(), "slow");
  await expect.poll(() => begun, PATIENCE).toEqual(["first"]);
  const until = async (): Promise<number> => {
    const [row] = await one.database.query("SELECT leased_until FROM jobs");
    return Number(row?.["leased_until"]);
  };
  const lease = (await until()) - one.clock.now;
  for (let turn = 1; turn <= 2; turn += 1) {
    one.clock.now += lease * 0.75;
    await expect.poll(until, PATIENCE).toBeGreaterThanOrEqual(one.clock.now + lease);
  }
  two.clock.now = one.clock.now;
  await two.runJobs();
  expect(begun).toEqual(["first"]);
  slow.resolve();
  await expect.poll(() => left(one), PATIENCE).toEqual([]);
});

test("a job that has taken its process with it each time is given up, and kept", async () => {
  const begun: string[] = [];
  const { service: jobs, kit } = worker({ poison: async () => void begun.push("poison") });
  await using service = await testService(jobs);
  await add(kit(), "poison");
  await service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  await service.runJobs();
  expect(begun).toEqual([]);
  expect(await left(service)).toMatchObject([{ kind: "poison", failed: true }]);
});

test("a patient service gives up no job, and lets one that takes its process with it wait an hour each time", async () => {
  const dead = Promise.withResolvers<void>();
  const begun: string[] = [];
  const by = (name: string, work: Promise<void>) =>
    worker({ charge: () => (begun.push(name), work) }, true);
  const first = by("first", dead.promise);
  await using one = await testService(first.service);
  const second = by("second", Promise.resolve());
  await using two = await testService(second.service, { databaseUrl: one.databaseUrl });
  await add(first.kit(), "charge");
  await one.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  const dying = one.runJobs();
  await expect.poll(() => begun, PATIENCE).toEqual(["first"]);
  two.clock.now = one.clock.now + 60_000;
  await two.runJobs();
  expect(begun).toEqual(["first"]);
  two.clock.now += 3_600_000;
  await two.runJobs();
  expect(begun).toEqual(["first", "second"]);
  expect(await left(one)).toEqual([]);
  dead.resolve();
  await dying;
});

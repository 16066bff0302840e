import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

import { type AnyKit, type Service, defineService } from "#api/kit/service.ts";
import { type TestService, testService } from "#api/kit/testing.ts";

import { ATTEMPTS_MAX, type JobHandlers, bindHandlers, defineJob } from "./define-job.ts";
import type { Jobs } from "./jobs.ts";
import type { PeriodicTask } from "./periodic-tasks.ts";

const PATIENCE = { timeout: 20_000 };
const Anything = z.object({});
const definitions = [
  defineJob("slow", Anything),
  defineJob("quick", Anything),
  defineJob("add", z.object({ amount: z.number() })),
  defineJob("charge", Anything, { attemptsMax: "unlimited" }),
];
type Declared = (typeof definitions)[number];

const done = (): Promise<void> => Promise.resolve();
const HANDLERS: JobHandlers<Declared> = { slow: done, quick: done, add: done, charge: done };

/** A service that only runs jobs. */
function worker(
  handlers: Partial<JobHandlers<Declared>>,
  tasks: readonly PeriodicTask[] = [],
): { service: Service; kit(): AnyKit } {
  let opened: AnyKit | undefined;
  const service = defineService({
    name: "management",
    title: "Jobs",
    description: "Jobs",
    migrations: [],
    settings: {},
    events: [],
    jobs: definitions,
    open: () => Promise.resolve({ routes: [], jobs: { ...HANDLERS, ...handlers }, tasks }),
  });
  return {
    service: {
      ...service,
      open(kit, settings) {
        opened = kit;
        return service.open(kit, settings);
      },
    },
    kit() {
      if (opened === undefined) throw new Error("it is not open");
      return opened;
    },
  };
}

const add = ({ database, jobs }: AnyKit, kind: string, payload: unknown = {}): Promise<void> =>
  database.transaction((tx) => jobs.add(tx, { kind, payload }));
const left = (service: TestService) =>
  service.database.query("SELECT kind, attempts, failed_at IS NOT NULL AS failed FROM jobs");

test("a job without a handler, of an unknown kind or with an invalid payload does not compile", () => {
  type Add = Jobs<Declared>["add"];
  const use = (tx: Parameters<Add>[0], jobs: Jobs<Declared>) => [
    jobs.add(tx, { kind: "add", payload: { amount: 1 } }),
    // @ts-expect-error -- the schema requires a number
    jobs.add(tx, { kind: "add", payload: { amount: "1" } }),
    // @ts-expect-error -- not declared
    jobs.add(tx, { kind: "subtract", payload: { amount: 1 } }),
  ];
  expectTypeOf(use).toBeFunction();
  // @ts-expect-error -- `charge` is missing
  const incomplete: JobHandlers<Declared> = { slow: done, quick: done, add: done };
  expectTypeOf<JobHandlers<Declared>["add"]>().parameter(0).toEqualTypeOf<{ amount: number }>();
  expect(incomplete).not.toHaveProperty("charge");

  const deps = { rate: 2 };
  type Deps = typeof deps;
  const ofNumber = (_deps: Deps, _job: { amount: number }) => Promise.resolve();
  const ofText = (_deps: Deps, _job: { amount: string }) => Promise.resolve();
  const others = { slow: done, quick: done, charge: done };
  const bound: JobHandlers<Declared> = bindHandlers({ ...others, add: ofNumber }, deps);
  // @ts-expect-error -- the payload has a number
  const other: JobHandlers<Declared> = bindHandlers({ ...others, add: ofText }, deps);
  // @ts-expect-error -- `add` is missing
  const fewer: JobHandlers<Declared> = bindHandlers(others, deps);
  expect([bound, other, fewer].map((it) => Object.keys(it).length)).toEqual([4, 4, 3]);
});

test("a long job does not delay others", async () => {
  const slow = Promise.withResolvers<void>();
  const ran: string[] = [];
  const { service: jobs, kit } = worker({
    slow: async () => slow.promise,
    quick: async () => void ran.push("quick"),
  });
  await using service = await testService(jobs, { jobs: true });
  await add(kit(), "slow");
  await expect.poll(() => left(service), PATIENCE).toMatchObject([{ kind: "slow", attempts: 1 }]);
  for (let count = 1; count <= 20; count += 1) await add(kit(), "quick");
  await expect.poll(() => ran.length, PATIENCE).toBe(20);
  slow.resolve();
  await expect.poll(() => left(service), PATIENCE).toEqual([]);
});

test("a job that takes longer than its lease is not taken over", async () => {
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

test("a job whose process died while the clock was ahead is run again after the clock was set back", async () => {
  const begun: number[] = [];
  const { service: jobs, kit } = worker({ slow: async () => void begun.push(begun.length) });
  await using service = await testService(jobs);
  await add(kit(), "slow");
  const aheadMs = service.clock.now + 400 * 86_400_000;
  await service.database.query("UPDATE jobs SET leased_until = $1", [new Date(aheadMs)]);
  await service.runJobs();
  expect(begun).toEqual([0]);
});

test("a job that crashed its process at every attempt fails, and is kept", async () => {
  const begun: string[] = [];
  const { service: jobs, kit } = worker({ slow: async () => void begun.push("slow") });
  await using service = await testService(jobs);
  await add(kit(), "slow");
  await service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  await service.runJobs();
  expect(begun).toEqual([]);
  expect(await left(service)).toMatchObject([{ kind: "slow", failed: true }]);
});

test("a payload that does not match its schema never reaches the handler: it is retried, then kept as failed with the reason", async () => {
  const added: number[] = [];
  const { service: jobs, kit } = worker({ add: async ({ amount }) => void added.push(amount) });
  await using service = await testService(jobs);
  await add(kit(), "add", { amount: "of an earlier release" });
  await add(kit(), "add", { amount: 3 });
  await service.runJobs();
  expect(added).toEqual([3]);
  const query = "SELECT last_error, failed_at IS NOT NULL AS failed FROM jobs";
  const last_error = expect.stringMatching(/payload does not fit.*expected number.*amount/s);
  expect(await service.database.query(query)).toEqual([{ last_error, failed: false }]);
  await service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX - 1]);
  service.clock.now += 60_000;
  await service.runJobs();
  expect(await service.database.query(query)).toEqual([{ last_error, failed: true }]);
});

test("a job with unlimited attempts never fails, and waits an hour after each attempt that crashed its process", async () => {
  const dead = Promise.withResolvers<void>();
  const begun: string[] = [];
  const by = (name: string, work: Promise<void>) =>
    worker({ charge: () => (begun.push(name), work) });
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

test("a periodic task runs once in each period, and again immediately while there is more work, in whichever process", async () => {
  // So long that no period begins while the test runs.
  const everyMs = 1e12;
  const ran: string[] = [];
  const by = (name: string): Service => {
    const work = (): Promise<"again" | "done"> => {
      ran.push(name);
      return Promise.resolve(ran.length === 1 ? "again" : "done");
    };
    return worker({}, [{ kind: "sweep", everyMs, work }]).service;
  };
  await using one = await testService(by("one"));
  await using two = await testService(by("two"), { databaseUrl: one.databaseUrl });
  await one.runJobs();
  await two.runJobs();
  expect(ran).toEqual(["one", "one"]);
  one.clock.now += everyMs;
  two.clock.now = one.clock.now;
  await two.runJobs();
  await one.runJobs();
  expect(ran).toEqual(["one", "one", "two"]);
});

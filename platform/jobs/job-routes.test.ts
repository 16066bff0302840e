import { expect, test } from "vitest";
import { z } from "zod";

import { type AnyKit, defineService } from "#api/kit/service.ts";
import { testService } from "#api/kit/testing.ts";

import { ATTEMPTS_MAX, defineJob } from "./define-job.ts";

const Page = z.object({
  items: z.array(z.object({ id: z.string(), kind: z.string(), state: z.string() }).loose()),
  next: z.string().nullable(),
});

/** A service with jobs that fail until the test lets them succeed. */
async function openJobs(work: () => Promise<void>) {
  const mail = z.object({ to: z.string().meta({ secret: true }), about: z.string() });
  const service = defineService({
    name: "management",
    title: "Jobs",
    description: "Jobs",
    migrations: [],
    settings: {},
    events: [],
    jobs: [defineJob("mail", mail)],
    open: () => Promise.resolve({ routes: [], jobs: { mail: work } }),
  });
  const kits: AnyKit[] = [];
  const running = await testService({
    ...service,
    open(kit, settings) {
      kits.push(kit);
      return service.open(kit, settings);
    },
  });
  const [kit] = kits;
  if (kit === undefined) throw new Error("the service was not opened");
  const { database, jobs } = kit;
  const list = async (query = "") => {
    const response = await running.send("GET", `/v1/jobs${query}`, { as: running.root });
    return Page.parse(response.json);
  };
  return {
    ...running,
    list,
    ask: (method: string, path: string) => running.send(method, path, { as: running.root }),
    add: (to: string, kind = "mail") =>
      jobs.add(database, { kind, payload: { to, about: "news", old: "of another release" } }),
    /** Leaves the job one attempt. */
    async exhaust() {
      await database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX - 1]);
      await running.runJobs();
    },
  };
}

test("a failed job can be found, inspected without its secrets, and retried, and the retry is logged", async () => {
  let works = false;
  await using jobs = await openJobs(async () => {
    if (!works) throw new Error("the server is down");
  });
  await jobs.add("ada@example.com");
  await jobs.exhaust();
  const failed = await jobs.list("?state=failed");
  expect(failed.items).toMatchObject([
    { kind: "mail", state: "failed", attempts: ATTEMPTS_MAX, lastError: "the server is down" },
  ]);
  const path = `/v1/jobs/${failed.items[0]?.id}`;
  expect((await jobs.ask("GET", path)).json).toMatchObject({
    payload: { to: "[redacted]", about: "news", old: "[redacted]" },
    failedAt: new Date(jobs.clock.now).toISOString(),
  });
  works = true;
  const retried = await jobs.ask("POST", `${path}/retry`);
  expect(retried.json).toMatchObject({ state: "waiting", attempts: 0, failedAt: null });
  await jobs.runJobs();
  expect((await jobs.list()).items).toEqual([]);
  expect((await jobs.ask("POST", `${path}/retry`)).status).toBe(404);
  const lines = jobs.lines.filter((line) => line["event.action"] === "job-retry");
  expect(lines).toMatchObject([{ "labels.job": failed.items[0]?.id, "event.outcome": "success" }]);
});

test("a waiting job can be dropped, a running one can be neither dropped nor retried", async () => {
  const running = Promise.withResolvers<void>();
  await using jobs = await openJobs(() => running.promise);
  await jobs.add("a@example.com");
  const working = jobs.runJobs();
  await expect.poll(async () => (await jobs.list("?state=running")).items.length).toBe(1);
  const [job] = (await jobs.list()).items;
  expect((await jobs.ask("DELETE", `/v1/jobs/${job?.id}`)).status).toBe(409);
  expect((await jobs.ask("POST", `/v1/jobs/${job?.id}/retry`)).status).toBe(409);
  running.resolve();
  await working;
  await jobs.add("b@example.com");
  const [waiting] = (await jobs.list("?state=waiting")).items;
  expect((await jobs.ask("DELETE", `/v1/jobs/${waiting?.id}`)).status).toBe(204);
  expect((await jobs.list()).items).toEqual([]);
});

test("the payload of a job of an unknown kind is not shown", async () => {
  await using jobs = await openJobs(() => Promise.resolve());
  await jobs.add("ada@example.com", "of another release");
  await jobs.runJobs();
  const [job] = (await jobs.list("?state=waiting")).items;
  expect((await jobs.ask("GET", `/v1/jobs/${job?.id}`)).json).toMatchObject({
    kind: "of another release",
    payload: "[redacted]",
  });
});

test("a list is paged in the order in which jobs were added", async () => {
  await using jobs = await openJobs(() => Promise.resolve());
  for (let count = 1; count <= 5; count += 1) await jobs.add(`${count}@example.com`);
  const seen: string[] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? "" : `&cursor=${next}`;
    const page = await jobs.list(`?limit=2${cursor}`);
    seen.push(...page.items.map(({ id }) => id));
    ({ next } = page);
  } while (next !== null);
  expect(seen).toEqual(seen.toSorted((a, b) => Number(a) - Number(b)));
  expect(new Set(seen).size).toBe(5);
});

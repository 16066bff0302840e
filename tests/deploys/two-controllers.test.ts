import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";

import { openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const WAIT = { timeout: 60_000, interval: 100 };

test("of two processes with one database the second waits, and completes the deploy in which the first was killed", async () => {
  const url = await newDatabase();
  onTestFinished(() => dropDatabase(url));
  const settings = { QUARTERDECK_DEPLOYS_DATABASE_URL: url };
  const { url: web, startRole, startWaiting, run } = openDeploysWorld();
  const first = await startRole(settings);
  const second = await startWaiting(settings);
  expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  expect(second.stdout()).not.toMatch(/Workloads that can be deployed/);

  const client = startClient(web);
  const waiting = run("deploy", "web", "r2", "--wait", ...QUICK, "--observe", "5");
  await expect.poll(() => client.releases.at(-1), WAIT).toBe("r2");
  await first.end("SIGKILL");
  await second.printed(/Workloads that can be deployed: .*(web)/);
  expect(await waiting).toMatchObject({ code: 0 });
  await expect.poll(() => client.releases.slice(-20), WAIT).toEqual(Array(20).fill("r2"));
  await client.stop();
  expect(client.failed).toEqual([]);

  const third = await startWaiting(settings);
  await second.end("SIGKILL");
  await third.printed(/Workloads that can be deployed: .*(web)/);
  expect((await run("deploys")).stdout).toMatch(/web serves r2/);
}, 240_000);

test("a process that loses its database stops no tasks, and the next one goes on with them", async () => {
  const url = await newDatabase();
  onTestFinished(() => dropDatabase(url));
  const settings = { QUARTERDECK_DEPLOYS_DATABASE_URL: url };
  const { url: web, startRole, run } = openDeploysWorld();
  const first = await startRole(settings);
  expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  const pids = await pidsOf(web);

  const client = startClient(web);
  await expect.poll(() => client.releases.length, WAIT).toBeGreaterThan(10);
  await endConnections(url);
  expect(await first.ended).not.toBe(0);
  const before = client.releases.length;
  await expect.poll(() => client.releases.length, WAIT).toBeGreaterThan(before + 20);
  await startRole(settings);
  expect(await pidsOf(web)).toEqual(pids);
  expect(await run("deploy", "web", "r2", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  await client.stop();
  expect(client.failed).toEqual([]);
}, 240_000);

/** The processes that serve, as they say themselves. */
async function pidsOf(url: string): Promise<string[]> {
  const pids = new Set<string>();
  for (let count = 0; count < 20; count += 1) {
    pids.add((await fetch(url)).headers.get("x-pid") ?? "");
  }
  return [...pids].toSorted();
}

/** As when the server is restarted. */
async function endConnections(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  await client.end();
}

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

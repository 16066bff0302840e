import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { EDGE_PORT, openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const SLOTS_SPARE = 2;
const WAIT = { timeout: 60_000, interval: 100 };

test("more tasks in workloads.yaml get slots at the edge, and no request fails", async () => {
  const { data, url, startRole, run } = openDeploysWorld();
  const file = path.join(data, "workloads.yaml");
  const text = readFileSync(file, "utf8");
  const role = await startRole();
  expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  const client = startClient(url);
  await expect.poll(() => client.releases.length, WAIT).toBeGreaterThan(10);
  await role.end("SIGKILL");
  const tasks = 5;
  writeFileSync(file, text.replace("    port: 8080", `    port: 8080\n    tasks: ${tasks}`));
  await startRole();
  const deploys = followDeploys(data);
  onTestFinished(() => deploys.stop());
  const webOf = async () =>
    (await deploys.ask("edge", {})).nodes[0]?.workloads.find(({ workload }) => workload === "web");
  await expect
    .poll(async () => {
      const web = await webOf();
      return [web?.isCurrent, web?.slots.blue.length, web?.slots.green.length];
    }, WAIT)
    .toEqual([true, tasks + SLOTS_SPARE, tasks + SLOTS_SPARE]);
  expect(await run("deploy", "web", "r2", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  await expect
    .poll(async () => {
      const web = await webOf();
      return web?.slots[web.live].filter(({ state, isUp }) => state === "ready" && isUp).length;
    }, WAIT)
    .toBe(tasks);
  await client.stop();
  expect(client.failed).toEqual([]);
}, 240_000);

test("a change of workloads.yaml fails no request of those that stay", async () => {
  const { data, url, startRole, run } = openDeploysWorld();
  const file = path.join(data, "workloads.yaml");
  const alone = readFileSync(file, "utf8");
  const [, entry = ""] = alone.split("workloads:\n");
  const shop = entry.replace("name: web", "name: shop");
  const shopUrl = url.replace(String(EDGE_PORT), String(EDGE_PORT + 1));
  const role = await startRole();
  expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });

  const client = startClient(url);
  await expect.poll(() => client.releases.length, WAIT).toBeGreaterThan(10);
  writeFileSync(file, `${alone}${shop}`);
  await role.end("SIGKILL");
  const second = await startRole();
  expect(await run("deploy", "shop", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
  expect((await fetch(shopUrl)).headers.get("x-release")).toBe("r1");

  writeFileSync(file, alone);
  await second.end("SIGKILL");
  await startRole();
  const isClosed = (): Promise<boolean> =>
    fetch(shopUrl, { headers: { connection: "close" } }).then(
      () => false,
      () => true,
    );
  await expect.poll(isClosed, WAIT).toBe(true);
  const answered = client.releases.length;
  await expect.poll(() => client.releases.length, WAIT).toBeGreaterThan(answered + 10);
  await client.stop();
  expect(client.failed).toEqual([]);
}, 240_000);

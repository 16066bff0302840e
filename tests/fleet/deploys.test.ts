import { expect, test } from "vitest";

import { pidOf } from "#deployer/ecs-local/testing.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";

import type { Controller } from "./controller.ts";
import { openDeployWorld, requestOf, startClients } from "./deploy-world.ts";
import { runUntilKilled } from "./killed-controller.ts";

const DEPLOY_MS_MAX = 30_000;
const REQUESTS_UNTIL_KILL = 4;

/** The deploy in its end, or in the state. */
async function until(
  { journal, deployer }: Controller,
  { id }: Pick<Deploy, "id">,
  wanted?: Deploy["state"],
): Promise<Deploy> {
  const found = async (): Promise<string | undefined> => {
    const deploy = await journal.deploy(id);
    const isThere = deploy?.state === wanted || (deploy?.times.doneMs ?? null) !== null;
    const { waitsFor } = deployer.status("web");
    return isThere ? undefined : `${deploy?.state} (${deploy?.reason}): ${waitsFor}`;
  };
  await expect.poll(found, { timeout: DEPLOY_MS_MAX, interval: 50 }).toBeUndefined();
  const deploy = await journal.deploy(id);
  if (deploy === undefined) throw new Error(`there is no deploy ${id}`);
  return deploy;
}

const deployed = async (controller: Controller, release: string): Promise<Deploy> =>
  until(controller, await controller.deployer.request(requestOf(release)));

/** The first release, when there are no clients yet. */
async function begin(controller: Controller): Promise<void> {
  const request = requestOf("r1", { requestsMin: 0 });
  const { state } = await until(controller, await controller.deployer.request(request));
  expect(state).toBe("succeeded");
}

test("releases replace each other under load, and back, with a killed task, without a failed request", async () => {
  const { folder, urls, control, drivers } = await openDeployWorld();
  const controller = await control();
  await begin(controller);
  const clients = startClients(urls);
  const { state, reason } = await deployed(controller, "r2");
  expect({ state, reason }).toEqual({ state: "succeeded", reason: null });
  await expect.poll(() => clients.releases.at(-1)).toBe("r2");
  expect(new Set(clients.releases)).toEqual(new Set(["r1", "r2"]));
  const fleet = await drivers.fleet.read("web");
  expect(fleet).toMatchObject({ green: { desired: 0, tasks: [] }, blue: { release: "r2" } });

  const { id } = await controller.deployer.request(requestOf("r3", { bakeMs: 60_000 }));
  await until(controller, { id }, "baking");
  process.kill(pidOf(folder, { taskArn: fleet.blue.tasks[0]?.id }), "SIGKILL");
  await controller.deployer.command(id, { kind: "roll-back", actor: "ana", reason: "complaints" });
  expect(await until(controller, { id })).toMatchObject({
    state: "rolled-back",
    reason: "complaints",
  });
  await expect.poll(() => clients.releases.at(-1)).toBe("r2");

  expect(await deployed(controller, "r1")).toMatchObject({ state: "succeeded" });
  await expect.poll(() => clients.releases.at(-1)).toBe("r1");
  await clients.stop();
  expect(clients.failed).toEqual([]);
});

test("bad releases end with a reason, and without a failed request", async () => {
  const { urls, control, drivers } = await openDeployWorld();
  const controller = await control();
  await begin(controller);
  const clients = startClients(urls);
  const broken = await deployed(controller, "broken");
  expect(broken).toMatchObject({ state: "failed", times: { firstTrafficMs: null } });
  expect(broken.reason).toMatch(/^The new tasks do not start: .*app: exit code 9/);
  const dies = await deployed(controller, "dies");
  expect(dies).toMatchObject({ state: "rolled-back" });
  expect(dies.reason).toMatch(
    /^(?:\d tasks of dies ended by themselves|Since .* no task of dies .*passes the health checks of).*exit code 7.*goes back to r1/,
  );
  const { blue, green } = await drivers.fleet.read("web");
  expect([blue.desired, green.desired]).toEqual([0, 2]);
  await clients.stop();
  expect(clients.failed).toEqual([]);
  expect(new Set(clients.releases)).toEqual(new Set(["r1"]));
});

test("a deploy goes on when its controller is killed at its requests, with a fleet that throttles and answers late", async () => {
  const { folder, urls, control, drivers, faults } = await openDeployWorld();
  const first = await control();
  await begin(first);
  const clients = startClients(urls);
  const { id } = await first.deployer.request(requestOf("r2"));
  await first.close();
  Object.assign(faults, { readLagMs: 300, throttleRate: 0.1, lostAnswerRate: 0.05 });
  let kills = 0;
  const crash = () => ({ request: REQUESTS_UNTIL_KILL, isSent: kills % 2 === 0 });
  while (await runUntilKilled(folder, drivers, crash())) kills += 1;
  const last = await control();
  expect(await last.journal.deploy(id)).toMatchObject({ state: "succeeded" });
  expect(kills).toBeGreaterThan(2);
  await expect.poll(() => clients.releases.at(-1)).toBe("r2");
  await clients.stop();
  expect(clients.failed).toEqual([]);
});

import { describe, expect, test } from "vitest";

import type { Drivers } from "../drivers.ts";
import type { State } from "../machine/deploy.ts";
import { SIMULATED_LIMITS } from "../simulation/controllers.ts";
import { testBilling } from "../simulation/testing-deployer.ts";

const ALL = [10_000, 10_000];
const NONE = [0, 0];
/** After this time another task serves instead of one that died. */
const REPLACED_MS = 8_000;

describe("the way back", () => {
  test.each<[State, "abort" | "roll-back", State]>([
    ["provisioning", "abort", "aborted"],
    ["verifying", "abort", "aborted"],
    ["warming", "abort", "aborted"],
    ["warming", "roll-back", "rolled-back"],
    ["analysing", "roll-back", "rolled-back"],
    ["baking", "roll-back", "rolled-back"],
    ["draining-old", "roll-back", "rolled-back"],
  ])("from %s by %s leaves the old tasks as they were, and no new one", async (from, kind, end) => {
    const { release, request, command, state, fleet, counts, shares } = await testBilling();
    await release("r1");
    const before = [...fleet.tasks.keys()];
    const id = await request("r2");
    await state(id, from);
    await command(id, kind);
    await state(id, end);
    expect([...fleet.tasks.keys()]).toEqual(before);
    expect(counts()).toEqual({ r1: 2 });
    expect(shares("green")).toEqual(ALL);
  });

  test("keeps the new tasks until the last request to them has ended, or its time is over", async () => {
    const { release, request, command, state, edge, now, counts } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "baking");
    await command(id, "roll-back");
    const sessions = (): number =>
      edge
        .inService()
        .flatMap(({ running }) => running.slots.blue)
        .filter((slot) => edge.viewOf(slot).sessions > 0).length;
    const draining = await state(id, "draining-new");
    expect(counts()).toEqual({ r1: 2, r2: 2 });
    await state(id, "retiring-new");
    expect(sessions()).toBe(0);
    const { enteredAtMs } = await now(id);
    const { drainMs } = draining.plan.strategy;
    const { closeOverMs, drainSlackMs } = SIMULATED_LIMITS;
    expect(enteredAtMs - draining.enteredAtMs).toBeLessThan(drainMs + closeOverMs + drainSlackMs);
  });

  test("works when all new tasks have died", async () => {
    const { release, request, command, state, fleet, counts, shares } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    fleet.services.blue.isFailed = true;
    for (let task = 0; task < 2; task += 1) fleet.disturb("blue", "kill");
    await command(id, "roll-back");
    await state(id, "rolled-back");
    expect(counts()).toEqual({ r1: 2 });
    expect(shares("green")).toEqual(ALL);
  });

  test("sends nothing to old tasks that do not serve, and waits until they do", async () => {
    const { release, request, command, state, after, fleet, now, shares, serving } =
      await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "baking");
    for (const task of fleet.tasks.values()) if (task.colour === "green") task.healthy = false;
    await command(id, "roll-back");
    await after(20_000);
    expect((await now(id)).state).toBe("reverting");
    expect(serving("green")).toEqual(NONE);
    expect(serving("blue")).toEqual([2, 2]);
    for (const task of fleet.tasks.values()) if (task.colour === "green") task.healthy = true;
    await state(id, "rolled-back");
    expect(shares("green")).toEqual(ALL);
  });

  test("is a deploy of its own once the old tasks have been stopped", async () => {
    const { release, request, command, state, counts } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "retiring-old");
    await expect(command(id, "roll-back")).rejects.toThrow(/deploy the old release again/);
    await state(id, "succeeded");
    const again = await release("r1", {
      strategy: { ...(await state(id, "succeeded")).plan.strategy, kind: "all-at-once" },
    });
    expect(again.plan).toMatchObject({ from: "r2", stepsBp: [10_000] });
    expect(counts()).toEqual({ r1: 2 });
  });
});

test("the way back of a first release is none: a person decides when its tasks have died", async () => {
  const { request, command, state, after, fleet, serving } = await testBilling();
  const id = await request("r1");
  await state(id, "baking");
  await command(id, "pause");
  for (let deaths = 0; deaths < SIMULATED_LIMITS.deathsMax; deaths += 1) {
    fleet.disturb("green", "kill");
    await after(REPLACED_MS);
  }
  const { reason } = await state(id, "held");
  expect(reason).toMatch(/There is no earlier release to go back to/);
  expect(serving("green")).toEqual([2, 2]);
});

describe("old tasks", () => {
  test("serve, ready to take everything back, until the time with all traffic is over", async () => {
    const { release, request, state, after, serving, shares, counts } = await testBilling();
    await release("r1");
    const { strategy } = (await release("r2")).plan;
    const id = await request("r3", { strategy: { ...strategy, bakeMs: 30_000 } });
    await state(id, "baking");
    await after(25_000);
    expect(shares("green")).toEqual(ALL);
    expect(serving("blue")).toEqual([2, 2]);
    await state(id, "succeeded");
    expect(counts()).toEqual({ r3: 2 });
  });

  test("that die while new ones have traffic are replaced, or else the deploy is held", async () => {
    const { release, request, command, state, after, fleet, serving } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    await command(id, "pause");
    fleet.disturb("green", "kill");
    await after(10_000);
    expect(serving("green")).toEqual([2, 2]);
    await command(id, "resume");
    fleet.services.green.isFailed = true;
    for (let task = 0; task < 2; task += 1) fleet.disturb("green", "kill");
    const held = await state(id, "held");
    expect(held.reason).toMatch(/could not take all traffic back/);
  });
});

describe("the last step", () => {
  const cutOff =
    (isCutOff: () => boolean) =>
    (drivers: Drivers): Drivers => ({
      ...drivers,
      edge: {
        ...drivers.edge,
        read: (node, name) =>
          isCutOff() && node === "lb2"
            ? Promise.reject(new Error("lb2 cannot be reached"))
            : drivers.edge.read(node, name),
        apply: (node, name, config) =>
          isCutOff() && node === "lb2"
            ? Promise.reject(new Error("lb2 cannot be reached"))
            : drivers.edge.apply(node, name, config),
      },
    });

  test("is held, with both colours, when a node does not acknowledge it, and resumed when it does", async () => {
    let isOff = false;
    const { release, request, command, state, serving, counts } = await testBilling(
      {},
      cutOff(() => isOff),
    );
    await release("r1");
    const id = await request("r2");
    await state(id, "committing");
    isOff = true;
    const held = await state(id, "held");
    expect(held.reason).toMatch(/makes the new colour live for more than 30 s.*lb2/);
    expect(counts()).toEqual({ r1: 2, r2: 2 });
    expect([serving("green"), serving("blue")]).toEqual([
      [2, 2],
      [2, 2],
    ]);
    isOff = false;
    await command(id, "resume");
    await state(id, "succeeded");
    expect(counts()).toEqual({ r2: 2 });
  });

  test("waits for new tasks that serve", async () => {
    const { release, request, state, fleet, counts } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "committing");
    fleet.disturb("blue", "kill");
    await state(id, "succeeded");
    expect(counts()).toEqual({ r2: 2 });
  });

  test("is not undone when its announcement fails", async () => {
    const failing = (drivers: Drivers): Drivers => ({
      ...drivers,
      oneOffs: {
        ...drivers.oneOffs,
        read: (token) =>
          token.includes(":announce:")
            ? Promise.resolve({ status: "failed", reason: "GitLab answered 502" })
            : drivers.oneOffs.read(token),
      },
    });
    const { release, counts } = await testBilling({}, failing);
    await release("r1");
    const { history } = await release("r2");
    expect(history.at(-1)?.reason).toBe("The result could not be announced: GitLab answered 502");
    expect(counts()).toEqual({ r2: 2 });
  });
});

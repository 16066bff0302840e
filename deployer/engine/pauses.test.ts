import { describe, expect, test } from "vitest";

import type { Drivers } from "../drivers.ts";
import { SIMULATED_LIMITS } from "../simulation/controllers.ts";
import { testBilling } from "../simulation/testing-deployer.ts";

const LONG_MS = 200_000;
/** After this time another task serves instead of one that died. */
const REPLACED_MS = 8_000;

/** A fleet that accepts requests and starts nothing while `isStuck`. */
function stuckFleet() {
  const it = { isStuck: false };
  const change = (drivers: Drivers): Drivers => ({
    ...drivers,
    fleet: {
      ...drivers.fleet,
      ensure: async (request) => {
        if (it.isStuck && request.count > 0) return;
        await drivers.fleet.ensure(request);
      },
    },
  });
  return { it, change };
}

describe("a paused deploy", () => {
  test("stays at its step for as long as it takes, and then goes on", async () => {
    const { release, request, command, state, after, now, shares } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    await command(id, "pause");
    const { step } = await now(id);
    const before = shares("blue");
    await after(LONG_MS);
    expect(await now(id)).toMatchObject({ state: "analysing", step, outcome: null });
    expect(shares("blue")).toEqual(before);
    await command(id, "resume");
    await state(id, "succeeded");
  });

  test("is rolled back by a person at once, without being resumed", async () => {
    const { release, request, command, state, counts, shares } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    await command(id, "pause");
    await command(id, "roll-back");
    expect(await state(id, "rolled-back")).toMatchObject({ paused: null });
    expect(counts()).toEqual({ r1: 2 });
    expect(shares("green")).toEqual([10_000, 10_000]);
  });

  test("is aborted by a person at once, without being resumed", async () => {
    const { release, request, command, state, counts } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "verifying");
    await command(id, "pause");
    await command(id, "abort");
    await state(id, "aborted");
    expect(counts()).toEqual({ r1: 2 });
  });

  test("is rolled back to its end when the new tasks die", async () => {
    const { release, request, command, state, after, fleet, counts } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    await command(id, "pause");
    for (let deaths = 0; deaths < SIMULATED_LIMITS.deathsMax; deaths += 1) {
      fleet.disturb("blue", "kill");
      await after(REPLACED_MS);
    }
    const { times } = await state(id, "rolled-back");
    expect(times.recoveredMs).not.toBeNull();
    expect(counts()).toEqual({ r1: 2 });
  });

  test("ends when its new tasks do not start", async () => {
    const { release, request, command, state, counts } = await testBilling({
      quality: "crash-loop",
    });
    await release("r1");
    const id = await request("new");
    await state(id, "provisioning");
    await command(id, "pause");
    await state(id, "failed");
    expect(counts()).toEqual({ r1: 2 });
  });
});

test("a paused contract migration is left out by abort, and the deploy ends with its release", async () => {
  const { release, request, command, state, counts, journal } = await testBilling();
  await release("r1");
  const id = await request("r2", { migrations: { expand: false, contract: true } });
  await state(id, "contracting");
  await command(id, "pause");
  await command(id, "abort");
  await state(id, "succeeded");
  expect(counts()).toEqual({ r2: 2 });
  const works = (await journal.effects(id)).flatMap(({ effect }) =>
    effect.kind === "one-off.run" ? [effect.work.kind] : [],
  );
  expect(works).not.toContain("contract");
});

describe("the deadline for new tasks", () => {
  test("ends a deploy whose tasks do not start in time, with the reason", async () => {
    const { it, change } = stuckFleet();
    const { release, request, state, counts, shares } = await testBilling({}, change);
    await release("r1");
    it.isStuck = true;
    const failed = await state(await request("r2"), "failed");
    expect(failed.reason).toMatch(
      /for more than 30 s, since .* UTC\. 0 of 2 new tasks are healthy/,
    );
    expect(counts()).toEqual({ r1: 2 });
    expect(shares("green")).toEqual([10_000, 10_000]);
  });

  test("stands still in a pause, and goes on with the time that was left", async () => {
    const { it, change } = stuckFleet();
    const { release, request, command, state, after, now, time } = await testBilling({}, change);
    await release("r1");
    it.isStuck = true;
    const id = await request("r2");
    await state(id, "provisioning");
    await command(id, "pause");
    await after(LONG_MS);
    expect(await now(id)).toMatchObject({ state: "provisioning", outcome: null });
    await command(id, "resume");
    const fromMs = time.nowMs();
    await state(id, "failed");
    expect(time.nowMs() - fromMs).toBeGreaterThan(SIMULATED_LIMITS.provisionMsMax / 2);
  });

  test("does not count what comes after the new tasks are healthy: a step may be longer", async () => {
    const { release } = await testBilling();
    await release("r1");
    const analyseMs = 2 * SIMULATED_LIMITS.provisionMsMax;
    const { strategy } = (await release("r2")).plan;
    const slow = { ...strategy, kind: "canary" as const, analyseMs, analyseMsMax: analyseMs };
    await release("r3", { strategy: slow });
  });
});

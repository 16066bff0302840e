import { describe, expect, test } from "vitest";

import { testBilling } from "../simulation/testing-deployer.ts";

describe("a newer release, requested while a deploy is under way,", () => {
  test("waits until that one has ended, and replaces what it made live", async () => {
    const { release, request, state, status, counts } = await testBilling();
    await release("r1");
    const second = await request("r2");
    await state(second, "analysing");
    const third = await request("r3");
    expect(status()).toMatchObject({ active: { id: second }, queue: [{ id: third }] });
    const { plan, times } = await state(third, "succeeded");
    const before = await state(second, "succeeded");
    expect(plan.from).toBe("r2");
    expect(times.startedMs).toBeGreaterThanOrEqual(before.times.doneMs ?? Infinity);
    expect(counts()).toEqual({ r3: 2 });
  });

  test("starts at once when that one is rolled back, and replaces the release before it", async () => {
    const { release, request, command, state, counts } = await testBilling();
    await release("r1");
    const second = await request("r2");
    await state(second, "analysing");
    const third = await request("r3");
    await command(second, "roll-back");
    await state(second, "rolled-back");
    expect((await state(third, "succeeded")).plan.from).toBe("r1");
    expect(counts()).toEqual({ r3: 2 });
  });

  test("does not start behind one that is held, until a person has decided about it", async () => {
    const { release, request, command, state, status, after, counts } = await testBilling();
    await release("r1");
    const second = await request("r2");
    await state(second, "verifying");
    await command(second, "hold");
    const third = await request("r3");
    await after(60_000);
    expect(status()).toMatchObject({ active: { state: "held" }, queue: [{ id: third }] });
    expect(counts()).toEqual({ r1: 2, r2: 2 });
    await command(second, "abort");
    await state(third, "succeeded");
    expect(counts()).toEqual({ r3: 2 });
  });

  test("is aborted in the queue without anything having happened", async () => {
    const { release, request, command, state, journal } = await testBilling();
    await release("r1");
    const second = await request("r2");
    await state(second, "analysing");
    const third = await request("r3");
    expect(await command(third, "abort")).toMatchObject({
      state: "aborted",
      times: { startedMs: null },
    });
    expect(await journal.effects(third)).toEqual([]);
    await state(second, "succeeded");
  });

  test("stays paused in the queue, whatever becomes of the one before it", async () => {
    const { release, request, command, state, after, now, counts } = await testBilling();
    await release("r1");
    const second = await request("r2");
    await state(second, "analysing");
    const third = await request("r3");
    await command(third, "pause");
    await state(second, "succeeded");
    await after(60_000);
    expect(await now(third)).toMatchObject({ state: "queued", times: { startedMs: null } });
    expect(counts()).toEqual({ r2: 2 });
    await command(third, "resume");
    await state(third, "succeeded");
  });
});

describe("the same release, deployed again", () => {
  test("after its deploy was aborted, succeeds with new tasks", async () => {
    const { release, request, command, state, counts, fleet } = await testBilling();
    await release("r1");
    const first = await request("r2");
    await state(first, "verifying");
    const aborted = new Set(fleet.tasks.keys());
    await command(first, "abort");
    await state(first, "aborted");
    expect(counts()).toEqual({ r1: 2 });
    await release("r2");
    expect(counts()).toEqual({ r2: 2 });
    expect([...fleet.tasks.keys()].filter((id) => aborted.has(id))).toEqual([]);
  });

  test("after it was rolled back, goes through all its steps again", async () => {
    const { release, request, command, state } = await testBilling();
    await release("r1");
    const first = await request("r2");
    await state(first, "baking");
    await command(first, "roll-back");
    await state(first, "rolled-back");
    const { history } = await release("r2");
    const shifts = history.filter((it) => it.state === "shifting");
    expect(shifts.map(({ step }) => step)).toEqual([0, 1, 2]);
  });

  test("while it is live, gets new tasks, and those that run serve until then", async () => {
    const { release, fleet, counts } = await testBilling();
    await release("r1");
    const before = [...fleet.tasks.keys()];
    expect((await release("r1")).plan).toMatchObject({ from: "r1", release: "r1" });
    expect(counts()).toEqual({ r1: 2 });
    expect([...fleet.tasks.keys()].filter((id) => before.includes(id))).toEqual([]);
  });

  test("while it is live, goes back to the tasks that run when its new tasks do not start", async () => {
    const { release, request, state, fleet, world, shares } = await testBilling();
    await release("new");
    const before = [...fleet.tasks.keys()];
    world.scenario.quality = "crash-loop";
    const failed = await state(await request("new"), "failed");
    expect(failed.reason).toMatch(/The new tasks do not start|ended by themselves/);
    expect([...fleet.tasks.keys()]).toEqual(before);
    expect(shares("green")).toEqual([10_000, 10_000]);
  });
});

describe("with a bad release", () => {
  test("the good one before it serves with all its tasks, also when another bad one follows", async () => {
    const { release, request, state, counts, shares } = await testBilling({
      quality: "crash-loop",
    });
    await release("r1");
    for (let times = 0; times < 2; times += 1) {
      await state(await request("new"), "failed");
      expect(counts()).toEqual({ r1: 2 });
      expect(shares("green")).toEqual([10_000, 10_000]);
    }
  });

  test("that is the first one, nothing serves, and a good one can follow", async () => {
    const { release, request, state, counts } = await testBilling({ quality: "crash-loop" });
    await state(await request("new"), "failed");
    expect(counts()).toEqual({});
    expect((await release("r2")).plan.from).toBeNull();
    expect(counts()).toEqual({ r2: 2 });
  });

  test("that was rolled back for its errors, a good one can follow", async () => {
    const { release, request, state, world, counts } = await testBilling();
    await release("r1");
    await release("r2");
    world.scenario.quality = "errors";
    const bad = await state(await request("r3"), "rolled-back");
    expect(bad.reason).toMatch(/requests to the new release failed/);
    expect(counts()).toEqual({ r2: 2 });
    world.scenario.quality = "good";
    await release("r4");
    expect(counts()).toEqual({ r4: 2 });
  });
});

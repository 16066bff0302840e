import { describe, expect, test } from "vitest";

import type { Drivers } from "../drivers.ts";
import type { Strategy } from "../machine/strategy.ts";
import { requestOf, testBilling } from "../simulation/testing-deployer.ts";

/** Without shares of its own, so that its kind decides them. */
const { stepsBp: _stepsBp, ...usual } = requestOf("billing", "r1").strategy;
const strategy = (more: Partial<Strategy>) => ({ strategy: { ...usual, ...more } });

/** After this time the fleet has as many tasks as it was asked for, and all nodes send them requests. */
const SCALED_MS = 20_000;

/** Traffic that clients send, but that nobody has counted yet. */
const uncounted =
  (isCounted: () => boolean) =>
  (drivers: Drivers): Drivers => ({
    ...drivers,
    traffic: {
      async read(name, fromMs) {
        const view = await drivers.traffic.read(name, fromMs);
        if (isCounted()) return view;
        const none = { requests: 0, errors: 0, latencyMsP95: undefined };
        return { ...view, lanes: { blue: none, green: none } };
      },
    },
  });

describe("a strategy", () => {
  test("is chosen for each deploy: in steps, then a canary, then all at once", async () => {
    const { release, counts } = await testBilling();
    await release("r1");
    const stepsOf = async (to: string, kind: Strategy["kind"]): Promise<number[]> => {
      const { plan, history } = await release(to, strategy({ kind, requestsMin: 0 }));
      const shifts = history.filter(({ state }) => state === "shifting");
      return shifts.map(({ step }) => plan.stepsBp[step] ?? 0);
    };
    expect(await stepsOf("r2", "blue-green")).toEqual([100, 1_000, 5_000, 10_000]);
    expect(await stepsOf("r3", "canary")).toEqual([500, 10_000]);
    expect(await stepsOf("r4", "all-at-once")).toEqual([10_000]);
    expect(counts()).toEqual({ r4: 2 });
  });

  test("all at once still starts, verifies and admits the new tasks before any traffic", async () => {
    const { release } = await testBilling();
    await release("r1");
    const { history } = await release("r2", strategy({ kind: "all-at-once" }));
    expect(history.map(({ state }) => state)).toEqual([
      "queued",
      "waiting",
      "preflight",
      "provisioning",
      "verifying",
      "admitting",
      "warming",
      "shifting",
      "baking",
      "committing",
      "draining-old",
      "retiring-old",
      "finishing",
      "succeeded",
    ]);
  });

  test("all at once does not deploy a release that does not start, and keeps the live one", async () => {
    const { release, request, state, counts } = await testBilling({ quality: "crash-loop" });
    await release("r1");
    await state(await request("new", strategy({ kind: "all-at-once" })), "failed");
    expect(counts()).toEqual({ r1: 2 });
  });
});

describe("a comparison", () => {
  test("that fails before all traffic takes it back from the step", async () => {
    const { release, request, state, world, counts } = await testBilling();
    await release("r1");
    world.scenario.quality = "errors";
    const { times } = await state(await request("r2"), "rolled-back");
    expect(times).toMatchObject({ fullTrafficMs: null });
    expect(times.firstTrafficMs).not.toBeNull();
    expect(counts()).toEqual({ r1: 2 });
  });

  test("that fails with all traffic takes it back to tasks that are still ready", async () => {
    const { release, request, state, world, counts, fleet } = await testBilling();
    await release("r1");
    const before = [...fleet.tasks.keys()];
    const id = await request("r2");
    await state(id, "baking");
    world.scenario.quality = "errors";
    const { times } = await state(id, "rolled-back");
    expect(times.fullTrafficMs).not.toBeNull();
    expect(counts()).toEqual({ r1: 2 });
    expect([...fleet.tasks.keys()]).toEqual(before);
  });

  test("without enough requests is inconclusive: the deploy is held, and a person may force it", async () => {
    const { release, request, command, state, after, now, shares, counts } = await testBilling(
      {},
      uncounted(() => isCounted),
    );
    let isCounted = true;
    await release("r1");
    isCounted = false;
    const id = await request("r2");
    const held = await state(id, "held");
    expect(held.reason).toMatch(
      /^The new release got 0 of the 1 requests that a decision needs\. .*until a person decides/,
    );
    const before = shares("blue");
    await after(60_000);
    expect(shares("blue")).toEqual(before);
    while ((await now(id)).times.fullTrafficMs === null) {
      await command(id, "force");
      await after(5_000);
    }
    await state(id, "held");
    await command(id, "force");
    await state(id, "succeeded");
    expect(counts()).toEqual({ r2: 2 });
  });

  test.each([
    ["advance", "succeeded"],
    ["roll-back", "rolled-back"],
  ] as const)(
    "that is inconclusive does what its strategy says: %s",
    async (onInconclusive, end) => {
      let isCounted = true;
      const { release, request, state } = await testBilling(
        {},
        uncounted(() => isCounted),
      );
      await release("r1");
      isCounted = false;
      await state(await request("r2", strategy({ onInconclusive })), end);
    },
  );

  test("is skipped by a person who does not want to wait, step by step", async () => {
    const { release, request, command, state, time, counts } = await testBilling();
    await release("r1");
    const hours = 12 * 3_600_000;
    const long = strategy({ kind: "canary", analyseMs: hours, bakeMs: hours });
    const id = await request("r2", long);
    await state(id, "analysing");
    await command(id, "force");
    await state(id, "baking");
    await command(id, "force");
    const { createdAtMs } = await state(id, "succeeded");
    expect(time.nowMs() - createdAtMs).toBeLessThan(hours);
    expect(counts()).toEqual({ r2: 2 });
  });
});

describe("the number of tasks", () => {
  test("changes together with the release, up and down", async () => {
    const { release, counts, serving } = await testBilling();
    await release("r1", { count: 1 });
    await release("r2", { count: 3 });
    expect([counts(), serving("blue")]).toEqual([{ r2: 3 }, [3, 3]]);
    await release("r3", { count: 2 });
    expect([counts(), serving("green")]).toEqual([{ r3: 2 }, [2, 2]]);
  });

  test("changes without another release by a deploy of the same one", async () => {
    const { release, counts } = await testBilling();
    await release("r1", { count: 2 });
    await release("r1", { count: 4 });
    expect(counts()).toEqual({ r1: 4 });
  });

  test("of the new release stays whole while the share of its traffic is small", async () => {
    const { release, request, state, counts, serving } = await testBilling();
    await release("r1", { count: 3 });
    await state(await request("r2", { count: 3 }), "analysing");
    expect(counts()).toEqual({ r1: 3, r2: 3 });
    expect(serving("blue")).toEqual([3, 3]);
  });

  test("must not exceed the slots of the edge: nothing is queued that would wait for them", async () => {
    const { release, request, deployer, status, counts } = await testBilling();
    await release("r1");
    const refused = { code: "unprocessable", fields: [{ path: "count" }] };
    await expect(request("r2", { count: 5 })).rejects.toMatchObject(refused);
    const tooMany = requestOf("billing", "r2", { count: 5 });
    expect(() => deployer.plan(tooMany)).toThrow(/count: must be 4 at most/);
    expect([status().queue, counts()]).toEqual([[], { r1: 2 }]);
  });
});

describe("tasks that the fleet adds or removes by itself", () => {
  test.each(["between deploys", "while a deploy is paused", "after one was aborted"])(
    "%s get traffic, or lose it",
    async (when) => {
      const { release, request, command, state, after, fleet, serving } = await testBilling();
      await release("r1");
      if (when !== "between deploys") {
        const id = await request("r2");
        await state(id, "warming");
        await command(id, when === "after one was aborted" ? "abort" : "pause");
        if (when === "after one was aborted") await state(id, "aborted");
      }
      for (const count of [4, 1, 3]) {
        fleet.scale("green", count);
        await after(SCALED_MS);
        expect(serving("green")).toEqual([count, count]);
      }
    },
  );

  test("are as many as the plan says again, if they are of the new release", async () => {
    const { release, request, state, after, fleet, counts, shares } = await testBilling();
    await release("r1");
    const id = await request("r2");
    await state(id, "verifying");
    fleet.scale("blue", 0);
    await state(id, "analysing");
    expect(counts()).toEqual({ r1: 2, r2: 2 });
    await after(0);
    expect(shares("blue").every((share) => share > 0)).toBe(true);
    await state(id, "succeeded");
    expect(counts()).toEqual({ r2: 2 });
  });
});

import { describe, expect, test } from "vitest";

import type { Drivers, OneOff } from "../drivers.ts";
import type { State } from "../machine/deploy.ts";
import { requestOf, testBilling } from "../simulation/testing-deployer.ts";

/** Work of a kind that begins and never ends, while `isEndless`. */
const endless =
  (kind: OneOff["kind"], isEndless: () => boolean) =>
  (drivers: Drivers): Drivers => ({
    ...drivers,
    oneOffs: {
      ...drivers.oneOffs,
      read: async (token) => {
        const view = await drivers.oneOffs.read(token);
        const isMeant = isEndless() && token.includes(`:${kind}:`);
        return isMeant && view.status !== "absent" ? { status: "running" } : view;
      },
    },
  });

describe("work that does not end in its time", () => {
  type Case = { kind: OneOff["kind"]; end: State; reason: RegExp; left: Record<string, number> };
  const cases: Case[] = [
    { kind: "expand", end: "failed", reason: /^It runs the expand .* 20 s[.,]/, left: { r1: 2 } },
    { kind: "verify", end: "failed", reason: /^It verifies .* 20 s[.,]/, left: { r1: 2 } },
    { kind: "contract", end: "held", reason: /^It runs the contract /, left: { r2: 2 } },
  ];
  test.each(cases)("$kind: the deploy is $end", async ({ kind, end, reason, left }) => {
    let isEndless = false;
    const { release, request, state, counts } = await testBilling(
      {},
      endless(kind, () => isEndless),
    );
    await release("r1");
    isEndless = true;
    const id = await request("r2", {
      migrations: { expand: true, contract: kind === "contract" },
      strategy: { ...requestOf("billing", "r2").strategy, contractAfterMs: 1_000 },
    });
    expect((await state(id, end)).reason).toMatch(reason);
    expect(counts()).toEqual(left);
  });

  test.each<OneOff["kind"]>(["warm-up", "announce"])("%s is left out", async (kind) => {
    const { release, counts } = await testBilling(
      {},
      endless(kind, () => true),
    );
    await release("r1");
    expect(counts()).toEqual({ r1: 2 });
  });
});

describe("a migration", () => {
  type Billing = Awaited<ReturnType<typeof testBilling>>;
  const runsOf = async ({ journal }: Billing, id: string, kind: OneOff["kind"]) =>
    (await journal.effects(id)).flatMap(({ effect, atMs }) =>
      effect.kind === "one-off.run" && effect.work.kind === kind
        ? [{ token: effect.token, atMs }]
        : [],
    );
  const contractAfterMs = 7_000;
  const requestR2 = (tested: Billing, migrations: { expand: boolean; contract: boolean }) => {
    const { strategy } = requestOf("billing", "r2");
    return tested.request("r2", { migrations, strategy: { ...strategy, contractAfterMs } });
  };

  test("that still runs when its deploy was held and is resumed does not run a second time", async () => {
    let isEndless = true;
    const tested = await testBilling(
      {},
      endless("expand", () => isEndless),
    );
    await tested.release("r1");
    const id = await requestR2(tested, { expand: true, contract: false });
    await tested.state(id, "expanding");
    await tested.after(3_000);
    await tested.command(id, "hold");
    await tested.command(id, "resume");
    await tested.after(3_000);
    isEndless = false;
    await tested.state(id, "succeeded");
    const runs = await runsOf(tested, id, "expand");
    expect(new Set(runs.map(({ token }) => token)).size).toBe(1);
  });

  test("that is late is waited for again, and its deploy says that it may still run", async () => {
    let isEndless = true;
    const tested = await testBilling(
      {},
      endless("contract", () => isEndless),
    );
    await tested.release("r1");
    const id = await requestR2(tested, { expand: false, contract: true });
    const { reason } = await tested.state(id, "held");
    expect(reason).toMatch(/The migration may still run: .* Resume waits on for the migration;/);
    await tested.command(id, "resume");
    await tested.after(3_000);
    isEndless = false;
    await tested.state(id, "succeeded");
    const runs = await runsOf(tested, id, "contract");
    expect(new Set(runs.map(({ token }) => token)).size).toBe(1);
  });

  test("that failed runs again when its deploy is resumed, without the wait before the first one", async () => {
    const tested = await testBilling();
    await tested.release("r1");
    tested.world.scenario.quality = "contract-fails";
    const id = await requestR2(tested, { expand: false, contract: true });
    const { reason } = await tested.state(id, "held");
    expect(reason).toMatch(/Resume runs the migration again;/);
    const { enteredAtMs } = await tested.command(id, "resume");
    await tested.state(id, "succeeded");
    const runs = await runsOf(tested, id, "contract");
    expect(new Set(runs.map(({ token }) => token)).size).toBe(2);
    expect(runs.at(-1)?.atMs).toBeLessThan(enteredAtMs + contractAfterMs);
  });

  test("that does not end in its time is named when its deploy gives up", async () => {
    const tested = await testBilling(
      {},
      endless("expand", () => true),
    );
    await tested.release("r1");
    const id = await requestR2(tested, { expand: true, contract: false });
    expect((await tested.state(id, "failed")).reason).toMatch(
      /The migration may still run: look at \/fleet before you deploy again\. No user had r2/,
    );
  });
});

test("a migration that fails starts no task of the release", async () => {
  const { release, request, state, counts, world, journal } = await testBilling();
  await release("r1");
  world.scenario.quality = "expand-fails";
  const id = await request("r2", { migrations: { expand: true, contract: false } });
  expect((await state(id, "failed")).reason).toMatch(/^The expand migration failed: /);
  expect(counts()).toEqual({ r1: 2 });
  const kinds = (await journal.effects(id)).map(({ effect }) => effect.kind);
  expect(kinds).not.toContain("fleet.ensure");
});

describe("traffic that cannot be measured", () => {
  const unmeasured =
    (isBroken: () => boolean) =>
    (drivers: Drivers): Drivers => ({
      ...drivers,
      traffic: {
        read: (name, fromMs) =>
          isBroken() ? Promise.reject(new Error("no answer")) : drivers.traffic.read(name, fromMs),
      },
    });

  test("before the start: nothing is started, and the deploy waits until it can", async () => {
    let isBroken = false;
    const tested = await testBilling(
      {},
      unmeasured(() => isBroken),
    );
    const { release, request, state, after, counts } = tested;
    await release("r1");
    isBroken = true;
    const id = await request("r2");
    const { reason } = await state(id, "preflight").then(() => state(id, "waiting"));
    expect(reason).toMatch(/The traffic cannot be measured/);
    await after(60_000);
    expect(counts()).toEqual({ r1: 2 });
    isBroken = false;
    await state(id, "succeeded");
  });

  test("in a step: the share stays as it is, and a person decides", async () => {
    let isBroken = false;
    const tested = await testBilling(
      {},
      unmeasured(() => isBroken),
    );
    const { release, request, command, state, shares, counts } = tested;
    await release("r1");
    const id = await request("r2");
    await state(id, "analysing");
    isBroken = true;
    const before = shares("blue");
    expect((await state(id, "held")).reason).toMatch(/The traffic cannot be measured\./);
    expect(shares("blue")).toEqual(before);
    isBroken = false;
    await command(id, "resume");
    await state(id, "succeeded");
    expect(counts()).toEqual({ r2: 2 });
  });
});

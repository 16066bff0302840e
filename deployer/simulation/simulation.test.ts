import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Drivers } from "../drivers.ts";
import { RULES } from "../machine/states.ts";
import type { Mutant } from "./controllers.ts";
import { anyScenario, QUIET, type Scenario } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";

/** How many random deploys are simulated; each takes about 10 ms. */
const RUNS = 10_000;
const RUNS_MS_MAX = 600_000;

async function expectSafe(scenario: Scenario): Promise<Outcome> {
  const outcome = await simulate(scenario);
  expect(outcome.violations, outcome.log.slice(-80).join("\n")).toEqual([]);
  return outcome;
}

test("a deploy to which nothing happens succeeds", async () => {
  for (const strategy of ["blue-green", "canary", "all-at-once"] as const) {
    const { deploys } = await expectSafe({ ...QUIET, strategy });
    expect(deploys.map(({ state }) => state)).toEqual(["succeeded"]);
  }
});

test(
  `in ${RUNS} random deploys the invariants hold at every change, and each ends or waits for a person`,
  { timeout: RUNS_MS_MAX },
  async () => {
    const states = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyScenario, async (scenario) => {
        const { deploys } = await expectSafe(scenario);
        for (const { state } of deploys) states.add(state);
      }),
      { numRuns: RUNS },
    );
    // All kinds of ends occur.
    expect([...states]).toEqual(
      expect.arrayContaining(["succeeded", "rolled-back", "failed", "aborted", "held"]),
    );
  },
);

describe("a controller that is killed at any boundary of an effect", () => {
  const bases: [string, Partial<Scenario>][] = [
    ["of a deploy in steps", {}],
    ["of a deploy at once", { strategy: "all-at-once" }],
    ["of the first deploy", { isFirst: true }],
    ["of a deploy that is rolled back for its errors", { quality: "errors" }],
    ["of a deploy whose tasks do not start", { quality: "crash-loop" }],
  ];
  test.each(bases)("%s changes nothing about its end", async (_name, base) => {
    const scenario = { ...QUIET, ...base };
    const { deploys, boundaries } = await expectSafe(scenario);
    expect(boundaries).toBeGreaterThan(50);
    for (let crash = 0; crash < boundaries; crash += 1) {
      const ended = await expectSafe({ ...scenario, crashes: [crash] });
      expect(ended.deploys.map(({ state }) => state)).toEqual(deploys.map(({ state }) => state));
    }
  });
});

describe("a person who rolls back at any time", () => {
  /** From the time at which the new tasks are admitted. */
  const FROM_MS = 8_700;
  const UNTIL_MS = 27_000;
  // Shorter than any state.
  const STEP_MS = 60;

  /** From the moment in which the new tasks are admitted until they are drained. */
  const withFleetThatHangs = (drivers: Drivers): Drivers => {
    let hangs = false;
    const orNever = <Value>(work: () => Promise<Value>): Promise<Value> =>
      hangs ? new Promise(() => undefined) : work();
    return {
      ...drivers,
      fleet: {
        read: (workload) => orNever(() => drivers.fleet.read(workload)),
        ensure: (request) => orNever(() => drivers.fleet.ensure(request)),
      },
      edge: {
        ...drivers.edge,
        apply(node, workload, config) {
          hangs = config.slots.green.some(({ state }) => state === "ready");
          return drivers.edge.apply(node, workload, config);
        },
      },
    };
  };

  const fleets: [string, Mutant][] = [
    ["whose fleet answers", {}],
    ["whose fleet hangs", { drivers: withFleetThatHangs }],
  ];
  test.each(fleets)(
    "gets the old release, %s, back on all nodes from every state that allows it",
    async (_name, mutant) => {
      const from = new Set<string>();
      for (let atMs = FROM_MS; atMs < UNTIL_MS; atMs += STEP_MS) {
        const events = [{ atMs, event: { kind: "command", command: "roll-back" } as const }];
        const scenario = { ...QUIET, seed: atMs, events };
        const { deploys, rollBackMs, violations } = await simulate(scenario, mutant);
        const [deploy] = deploys;
        const way = deploy?.history.findIndex(({ state }) => state === "reverting") ?? -1;
        // With a fleet that hangs a deploy that is not rolled back cannot end.
        if (way === -1 && mutant.drivers !== undefined) continue;
        expect(violations).toEqual([]);
        if (way === -1) {
          expect(deploy?.state).toMatch(/^(?:succeeded|rolled-back)$/);
          continue;
        }
        from.add(deploy?.history[way - 1]?.state ?? "");
        expect(deploy?.state).toBe("rolled-back");
        // Each request and each reply takes up to 60 ms.
        expect(rollBackMs).toBeLessThan(1_000);
      }
      const allowed = Object.entries(RULES).filter(([, { wayBack }]) => wayBack === "revert");
      expect([...from].toSorted()).toEqual(allowed.map(([state]) => state).toSorted());
    },
  );
});

test("the first release of a workload can be aborted until it is complete, also with all traffic", async () => {
  const from = new Set<string>();
  for (let atMs = 500; atMs < 16_000; atMs += 200) {
    const events = [{ atMs, event: { kind: "command", command: "abort" } as const }];
    const scenario = { ...QUIET, isFirst: true, seed: atMs, events };
    const [deploy] = (await expectSafe(scenario)).deploys;
    expect(deploy?.state, `${atMs}: ${deploy?.reason}`).toMatch(/^(?:succeeded|aborted)$/);
    const abortAt =
      deploy?.history.findIndex(({ by, state }) => by === "ana" && state !== "queued") ?? -1;
    if (abortAt > 0) from.add(deploy?.history[abortAt - 1]?.state ?? "");
  }
  expect([...from]).toEqual(
    expect.arrayContaining(["provisioning", "warming", "baking", "committing"]),
  );
});

describe("the simulation finds", () => {
  const withoutNode = (drivers: Drivers): Drivers => ({
    ...drivers,
    edge: { ...drivers.edge, nodes: async () => (await drivers.edge.nodes()).slice(0, -1) },
  });
  const withEmptyDrains = (drivers: Drivers): Drivers => ({
    ...drivers,
    edge: {
      ...drivers.edge,
      async read(node, workload) {
        const view = await drivers.edge.read(node, workload);
        const without = view.slots.blue.map((slot) => ({ ...slot, sessions: 0 }));
        return { ...view, slots: { ...view.slots, blue: without } };
      },
    },
  });
  const withoutChecks = (drivers: Drivers): Drivers => ({
    ...drivers,
    edge: {
      ...drivers.edge,
      async read(node, workload) {
        const view = await drivers.edge.read(node, workload);
        const up = view.slots.green.map((slot) => ({ ...slot, up: slot.state !== "maint" }));
        return { ...view, slots: { ...view.slots, green: up } };
      },
    },
  });
  const fewTasks = { quality: "dies-later", load: 0.6, count: 3 } as const;
  type Hunt = { mutant: Mutant; expected: RegExp; more?: Partial<Scenario> };
  const hunts: [string, Hunt][] = [
    ["a missing settle", { mutant: { limits: { settleMs: 0 } }, expected: /^settle:/ }],
    [
      "a node whose acknowledgement is not awaited",
      { mutant: { drivers: withoutNode }, expected: /^I1|^I6|^drain:/ },
    ],
    ["sessions that are not awaited", { mutant: { drivers: withEmptyDrains }, expected: /^I1/ }],
    ["a gate that does not check", { mutant: { drivers: withoutChecks }, expected: /^gate:/ }],
    [
      "a missing reserve",
      { mutant: { limits: { utilisation: 10 } }, expected: /^I2/, more: fewTasks },
    ],
  ];
  test.each(hunts)("%s", async (_name, { mutant, expected, more = {} }) => {
    const found = new Set<string>();
    for (const scenario of fc.sample(anyScenario, { numRuns: 300, seed: 7 })) {
      const { violations } = await simulate({ ...scenario, ...more }, mutant);
      for (const violation of violations) found.add(violation);
      if ([...found].some((it) => expected.test(it))) return;
    }
    expect([...found]).toContainEqual(expect.stringMatching(expected));
  });
});

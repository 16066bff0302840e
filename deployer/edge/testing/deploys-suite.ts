import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { type Colour, otherColour, type Slot } from "#deployer/drivers.ts";

import { startLoad } from "./load.ts";
import type { TestTask } from "./test-task.ts";
import { type EdgeWorld, TEST_EDGE } from "./world.ts";

const DEPLOYS = 3;
const TASKS = 2;
const STEPS_BP = [100, 1_000, 5_000, 10_000];
/** Nodes choose a slot and send to it in two steps: the time between the flip and the drain separates them. */
const SETTLE_MS = 1_000;

/** What a deploy does to an edge, under load. */
export function testDeploys(shared: () => EdgeWorld): void {
  test("deploys with a killed task in each fail no idempotent or keyed request", async () => {
    const world = shared();
    await world.serve();
    const load = startLoad(world.urls);
    const untilAnswered = async (more: number): Promise<void> => {
      const before = load.loaded.answered;
      await expect.poll(() => load.loaded.answered).toBeGreaterThan(before + more);
    };

    /** All slots of a colour, the tasks in the first ones. */
    const slots = (tasks: readonly TestTask[], state: Slot["state"]): Slot[] =>
      Array.from({ length: TEST_EDGE.slotsPerColour }, (_, at) => {
        const task = tasks[at];
        return task === undefined
          ? { address: null, state: "maint" }
          : { address: task.address, state };
      });
    const set = (colour: Colour, wanted: readonly Slot[]): Promise<void> =>
      world.apply({ slots: { ...world.config.slots, [colour]: wanted } });

    async function deploy(to: Colour, isNewKilled: boolean): Promise<void> {
      const from = otherColour(to);
      const tasks = await Promise.all(Array.from({ length: TASKS }, () => world.startTask(to)));
      const retired = world.tasks[to];
      world.tasks[to] = tasks;
      await set(
        to,
        world.config.slots[to].map((slot) => ({ ...slot, state: "maint" })),
      );
      await set(to, slots(tasks, "drain"));
      for (let index = 0; index < TASKS; index += 1) await world.untilUp(to, index);
      await set(to, slots(tasks, "ready"));
      for (const splitBp of STEPS_BP) {
        await world.route({ live: from, next: to, splitBp });
        await untilAnswered(50);
        if (splitBp === 1_000 && isNewKilled) await world.task(to, 0).kill();
        if (splitBp === 5_000 && !isNewKilled) await world.task(from, 0).kill();
      }
      await world.route({ live: to, next: to, splitBp: 0 });
      await delay(SETTLE_MS);
      await set(from, slots(world.tasks[from], "drain"));
      await expect.poll(() => world.sessions(from, 0)).toBe(0);
      await expect.poll(() => world.sessions(from, 1)).toBe(0);
      await set(from, slots(world.tasks[from], "maint"));
      await Promise.all([...retired, ...world.tasks[from]].map((task) => task.kill()));
    }

    let live: Colour = "blue";
    for (let deploys = 0; deploys < DEPLOYS; deploys += 1) {
      live = otherColour(live);
      await deploy(live, deploys % 2 === 0);
      await untilAnswered(50);
    }
    const { failed, unkeyed, slowestMs } = await load.stop();
    expect(failed).toEqual([]);
    expect(slowestMs).toBeLessThan(15_000);
    const sent = world.got(" POST ");
    const times = unkeyed.map((id) => sent.filter((line) => line.endsWith(id)).length);
    expect(Math.max(...times)).toBe(1);
  });
}

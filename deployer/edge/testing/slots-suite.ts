import { expect, onTestFinished, test } from "vitest";

import { COLOURS, type Slot } from "#deployer/drivers.ts";

import { startLoad } from "./load.ts";
import type { EdgeWorld } from "./world.ts";

const MORE = 2;
const EMPTY: Slot = { address: null, state: "maint" };

/** A configuration may have more slots than those before it. */
export function testMoreSlots(shared: () => EdgeWorld): void {
  test("more slots fail no request, take tasks, and are there after a restart", async () => {
    const world = shared();
    await world.serve();
    const load = startLoad(world.urls);
    onTestFinished(async () => void (await load.stop()));
    await expect.poll(() => load.loaded.answered).toBeGreaterThan(50);
    const { blue, green } = world.config.slots;
    const grown = (slots: readonly Slot[]): Slot[] => [
      ...slots,
      ...Array.from({ length: MORE }, () => EMPTY),
    ];
    await world.apply({ slots: { blue: grown(blue), green: grown(green) } });
    const last = blue.length + MORE - 1;
    const task = await world.startTask("blue");
    onTestFinished(() => task.kill());
    await world.slot("blue", last, { address: task.address, state: "drain" });
    await world.untilUp("blue", last);
    await world.slot("blue", last, { state: "ready" });
    await expect.poll(() => world.got(`${task.name} GET /echo`).length).toBeGreaterThan(10);
    const { failed } = await load.stop();
    expect(failed).toEqual([]);

    const [node] = world.edge.nodes;
    await node?.restart();
    await world.untilReachable();
    await world.untilUp("blue", last);
    for (const { slots } of await world.views()) {
      for (const colour of COLOURS) expect(slots[colour]).toHaveLength(last + 1);
    }
    await world.slot("blue", last, { state: "maint" });
  });
}

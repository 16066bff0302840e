import { expect, test } from "vitest";

import { send } from "./client.ts";
import { type EdgeWorld, WEB } from "./world.ts";

/** How configurations are applied, and when a slot counts as up. */
export function testConfiguration(shared: () => EdgeWorld): void {
  test("a new node has version 0 and sends nothing anywhere", async () => {
    const world = shared();
    await world.untilReachable();
    for (const { version, slots } of await world.views()) {
      expect(version).toBe(0);
      for (const slot of [...slots.blue, ...slots.green]) {
        expect(slot).toMatchObject({ state: "maint", up: false, sessions: 0 });
      }
    }
    const nodes = await world.edge.driver.nodes();
    expect(nodes).toEqual(world.edge.nodes.map(({ id }) => ({ id, retired: false })));
    expect((await send(`${world.url}/echo`)).status).toBe(503);
  });

  test("a node reads as what was applied", async () => {
    const world = shared();
    await world.serve({ route: { splitBp: 1_234 } });
    const { version, route, releases, slots } = world.config;
    for (const view of await world.views()) {
      expect(view).toMatchObject({ version, route, releases, slots });
    }
    await world.apply({ releases: { blue: "r-blue", green: null } });
    for (const view of await world.views()) expect(view.releases).toEqual(world.config.releases);
  });

  test("a slot is up only after it has passed checks since it left maint", async () => {
    const world = shared();
    await world.serve();
    const task = world.task("blue", 0);
    await world.slot("blue", 0, { state: "maint" });
    for (const { up } of await world.slotViews("blue", 0)) expect(up).toBe(false);
    await task.set("health-hangs");
    await world.slot("blue", 0, { state: "drain" });
    for (const { up } of await world.slotViews("blue", 0)) expect(up).toBe(false);
    const before = world.got(`${task.name} GET /healthz`).length;
    await task.set("good");
    await world.untilUp("blue", 0);
    expect(world.got(`${task.name} GET /healthz`).length).toBeGreaterThan(before);
  });

  test("a slot with a new address does not inherit the checks of the earlier task", async () => {
    const world = shared();
    await world.serve();
    const next = await world.startTask("blue");
    await next.set("unhealthy");
    await world.slot("blue", 0, { state: "maint" });
    await world.slot("blue", 0, { state: "drain", address: next.address });
    for (let read = 0; read < 5; read += 1) {
      for (const slot of await world.slotViews("blue", 0)) {
        expect(slot).toMatchObject({ address: next.address, up: false });
      }
      // Further reads after it was checked.
      const checks = world.got(`${next.name} GET /healthz`).length;
      await expect
        .poll(() => world.got(`${next.name} GET /healthz`).length)
        .toBeGreaterThan(checks);
    }
    await next.set("good");
    await world.untilUp("blue", 0);
    await world.slot("blue", 0, { state: "maint" });
    await next.kill();
  });

  test("an address is changed only in maint", async () => {
    const world = shared();
    await world.serve();
    const before = world.config;
    const moved = before.slots.blue.map((slot, at) =>
      at === 0 ? { ...slot, address: world.task("green", 0).address } : slot,
    );
    await expect(world.apply({ slots: { ...before.slots, blue: moved } })).rejects.toThrow(/./);
    for (const view of await world.views()) expect(view.slots).toMatchObject(before.slots);
    await world.apply({});
  });

  test("an older version is refused, and the same version changes nothing", async () => {
    const world = shared();
    await world.serve({ route: { splitBp: 500 } });
    const { driver, nodes } = world.edge;
    const [node] = nodes;
    const other = { ...world.config, route: { ...world.config.route, splitBp: 9_000 } };
    const older = { ...other, version: other.version - 1 };
    await expect(driver.apply(node?.id ?? "", WEB, older)).rejects.toThrow(/./);
    await driver.apply(node?.id ?? "", WEB, other);
    for (const view of await world.views())
      expect(view).toMatchObject({ route: world.config.route });
  });

  test("what is not there is refused with its name", async () => {
    const { driver, nodes } = shared().edge;
    await expect(driver.read("lb99", WEB)).rejects.toThrow(/lb99/);
    await expect(driver.read(nodes[0]?.id ?? "", "nothing")).rejects.toThrow(/nothing/);
  });

  test("a task that fails its checks is not up until it passes them again", async () => {
    const world = shared();
    await world.serve();
    const task = world.task("blue", 0);
    for (const mode of ["unhealthy", "health-hangs"] as const) {
      await task.set(mode);
      await world.untilUp("blue", 0, false);
      await task.set("good");
      await world.untilUp("blue", 0);
    }
  });

  test("a task that was killed is not up", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 1).kill();
    await world.untilUp("blue", 1, false);
  });
}

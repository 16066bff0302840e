import { expect, onTestFinished, test } from "vitest";

import { echo, send } from "./client.ts";
import { type EdgeWorld, type TestNode, WEB } from "./world.ts";

/** What becomes of nodes that end, hang and come back. */
export function testNodes(
  shared: () => EdgeWorld,
  { verifiesAtStart }: { verifiesAtStart: boolean },
): void {
  function last(world: EdgeWorld): TestNode {
    const node = world.edge.nodes.at(-1);
    if (node === undefined) throw new Error("the edge has no nodes");
    return node;
  }

  async function expectSame(world: EdgeWorld): Promise<void> {
    await world.untilReachable();
    const { version, route, releases, slots } = world.config;
    for (const view of await world.views()) {
      expect(view).toMatchObject({ version, route, releases, slots });
    }
    for (const index of [0, 1]) await world.untilUp("green", index);
    await expect
      .poll(() => echo(last(world).url).then(({ release }) => release, String))
      .toBe("r-green");
  }

  test("a node that is restarted, or killed and started, has its configuration", async () => {
    const world = shared();
    await world.serve({ route: { live: "green", next: "blue" } });
    await last(world).restart();
    await expectSame(world);
    await last(world).kill();
    await last(world).start();
    await expectSame(world);
    await world.route({ splitBp: 1 });
  });

  test("a node that is killed while it is changed has all of what it acknowledged", async () => {
    const world = shared();
    await world.serve();
    const { driver } = world.edge;
    const node = last(world);
    for (let kills = 0; kills < 3; kills += 1) {
      let acknowledged = world.config;
      const first = world.config.version + 1;
      let config = world.config;
      const applying = (async (): Promise<void> => {
        for (let version = first; ; version += 1) {
          config = { ...config, version, route: { ...config.route, splitBp: version % 10_000 } };
          await driver.apply(node.id, WEB, config);
          acknowledged = config;
        }
      })();
      applying.catch(() => undefined);
      await expect.poll(() => acknowledged.version).toBeGreaterThan(first + 2);
      await node.kill();
      await expect(applying).rejects.toThrow(/./);
      await node.start();
      await world.untilReachable();
      const view = await driver.read(node.id, WEB);
      expect(view.version).toBeGreaterThanOrEqual(acknowledged.version);
      expect(view.route.splitBp).toBe(view.version % 10_000);
      world.config = { ...config, version: view.version + 1 };
      await world.apply({});
    }
  });

  test("a node that hangs or has ended cannot be read or changed, and the others can", async () => {
    const world = shared();
    await world.serve();
    const { driver, nodes } = world.edge;
    const node = last(world);
    const next = { ...world.config, version: world.config.version + 1 };
    node.suspend();
    onTestFinished(() => node.resume());
    await Promise.all([
      expect(driver.read(node.id, WEB)).rejects.toThrow(node.id),
      expect(driver.apply(node.id, WEB, next)).rejects.toThrow(node.id),
    ]);
    await driver.read(nodes[0]?.id ?? "", WEB);
    node.resume();
    await world.untilReachable();
    await world.apply({});
    await node.kill();
    await expect(driver.read(node.id, WEB)).rejects.toThrow(node.id);
    await node.start();
    await world.untilReachable();
    await world.serve();
  });

  test.runIf(verifiesAtStart)(
    "a node that starts sends nothing to a slot that it has not checked",
    async () => {
      const world = shared();
      await world.serve();
      const bad = world.task("blue", 0);
      await last(world).kill();
      await bad.set("unhealthy");
      const before = world.got(`${bad.name} GET /echo`).length;
      await last(world).start();
      let answers = 0;
      const ask = async (): Promise<number> => {
        const status = await send(`${last(world).url}/echo`).then(
          (it) => it.status,
          () => 0,
        );
        if (status !== 0) expect(status).toBe(200);
        answers += status === 0 ? 0 : 1;
        return answers;
      };
      await expect.poll(ask, { interval: 5 }).toBeGreaterThan(50);
      expect(world.got(`${bad.name} GET /echo`)).toHaveLength(before);
    },
  );
}

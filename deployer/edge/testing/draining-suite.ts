import { expect, onTestFinished, test } from "vitest";

import type { Colour } from "#deployer/drivers.ts";

import { echo, openTunnel, RawClient, send } from "./client.ts";
import { type EdgeWorld, WEB } from "./world.ts";

const TUNNELS = 8;
const CLOSE_OVER_MS = 2_000;

/** How a task is taken out of service. */
export function testDraining(shared: () => EdgeWorld): void {
  /** One task of each colour serves, so that it is known which. */
  async function one(): Promise<EdgeWorld> {
    const world = shared();
    await world.serve({ tasks: { blue: 1, green: 1 } });
    return world;
  }

  async function tunnel(url: string, name: string): Promise<RawClient> {
    const client = openTunnel(url);
    onTestFinished(() => client.close());
    await expect.poll(() => client.received).toContain(`\r\n\r\n${name}\n`);
    return client;
  }

  /** Has the sessions of all blue slots in drain closed, on all nodes. */
  async function closeBlue({ edge: { nodes, driver } }: EdgeWorld): Promise<void> {
    const request = { workload: WEB, colour: "blue", overMs: CLOSE_OVER_MS } as const;
    await Promise.all(nodes.map(({ id }) => driver.closeSessions(id, request)));
  }

  const untilSessions = (world: EdgeWorld, colour: Colour, count: number): Promise<void> =>
    expect.poll(() => world.sessions(colour, 0)).toBe(count);

  test("an open request ends, and a new one goes elsewhere", async () => {
    const world = await one();
    const open = send(`${world.url}/held`);
    await untilSessions(world, "blue", 1);
    await world.slot("blue", 0, { state: "drain" });
    expect((await echo(world.url)).release).toBe("r-green");
    expect(await world.sessions("blue", 0)).toBe(1);
    await world.task("blue", 0).release();
    expect(await open).toMatchObject({ status: 200, body: "held" });
    await untilSessions(world, "blue", 0);
  });

  test("also on a connection that the client has used before", async () => {
    const world = await one();
    const client = await tunnel(world.url, world.task("blue", 0).name);
    await world.slot("blue", 0, { state: "drain" });
    client.write("still there");
    await expect.poll(() => client.received).toContain("still there");
    expect((await echo(world.url)).release).toBe("r-green");
    const next = openTunnel(world.url);
    onTestFinished(() => next.close());
    await expect.poll(() => next.received).toContain(world.task("green", 0).name);
  });

  test("sessions are counted on each node: requests, streams and tunnels", async () => {
    const world = await one();
    const name = world.task("blue", 0).name;
    const clients = await Promise.all(world.urls.map((url) => tunnel(url, name)));
    const open = send(`${world.url}/stream`);
    await untilSessions(world, "blue", clients.length + 1);
    const [first, second] = await world.slotViews("blue", 0);
    expect([first?.sessions, second?.sessions]).toEqual([2, 1]);
    await world.task("blue", 0).release();
    await open;
    for (const client of clients) client.close();
    await untilSessions(world, "blue", 0);
  });

  test("a slot in maint gets nothing new, and what is open there may end", async () => {
    const world = await one();
    const open = send(`${world.url}/held`);
    await untilSessions(world, "blue", 1);
    await world.slot("blue", 0, { state: "maint" });
    expect((await echo(world.url)).release).toBe("r-green");
    await world.task("blue", 0).release();
    expect((await open).body).toBe("held");
  });

  test("closes the sessions of slots in drain over the given time, and no others", async () => {
    const world = await one();
    const [node] = world.edge.nodes;
    const url = node?.url ?? "";
    const closing: RawClient[] = [];
    for (let at = 0; at < TUNNELS; at += 1) {
      closing.push(await tunnel(url, world.task("blue", 0).name));
    }
    await world.slot("blue", 0, { state: "drain" });
    const staying = await tunnel(url, world.task("green", 0).name);
    const closedAtMs: number[] = [];
    for (const { socket } of closing) {
      socket.once("close", () => closedAtMs.push(performance.now()));
    }
    const request = { workload: WEB, overMs: CLOSE_OVER_MS };
    await world.edge.driver.closeSessions(node?.id ?? "", { ...request, colour: "green" });
    await world.edge.driver.closeSessions(node?.id ?? "", { ...request, colour: "blue" });
    await expect.poll(() => closedAtMs.length).toBe(TUNNELS);
    const spreadMs = Math.max(...closedAtMs) - Math.min(...closedAtMs);
    expect(spreadMs).toBeGreaterThan(CLOSE_OVER_MS / 4);
    await untilSessions(world, "blue", 0);
    staying.write("still there");
    await expect.poll(() => staying.received).toContain("still there");
  });

  test("a slot without sessions is empty at once, and closing them does nothing", async () => {
    const world = await one();
    await world.slot("blue", 0, { state: "drain" });
    await closeBlue(world);
    expect(await world.sessions("blue", 0)).toBe(0);
    expect((await echo(world.url)).release).toBe("r-green");
  });

  test("a stream of events goes on until its end", async () => {
    const world = await one();
    const client = new RawClient(world.url);
    onTestFinished(() => client.close());
    client.write("GET /stream HTTP/1.1\r\nhost: web\r\n\r\n");
    await expect.poll(() => client.received).toContain("data: first");
    await world.slot("blue", 0, { state: "drain" });
    expect((await echo(world.url)).release).toBe("r-green");
    expect(await world.sessions("blue", 0)).toBe(1);
    await world.task("blue", 0).release();
    await expect.poll(() => client.received).toContain("data: second");
    await untilSessions(world, "blue", 0);
  });

  test("requests and streams that do not end in time are closed, and the task learns of it", async () => {
    const world = await one();
    const task = world.task("blue", 0);
    const before = task.aborted.length;
    const open = ["held", "held", "stream"].map((path) => send(`${world.url}/${path}`));
    const answers = Promise.allSettled(open);
    await untilSessions(world, "blue", open.length);
    await world.slot("blue", 0, { state: "drain" });
    await closeBlue(world);
    await untilSessions(world, "blue", 0);
    await expect.poll(() => task.aborted.length).toBe(before + open.length);
    for (const answer of await answers) {
      // What had not begun may be answered by the edge itself.
      if (answer.status === "fulfilled") expect(answer.value.status).toBeGreaterThanOrEqual(500);
    }
    expect((await echo(world.url)).release).toBe("r-green");
  });

  test("a slot that serves again in the meantime keeps the sessions that it has then", async () => {
    const world = shared();
    await world.serve({ tasks: { blue: 2, green: 1 } });
    const [returning, leaving] = [world.task("blue", 0).name, world.task("blue", 1).name];
    await world.slot("blue", 0, { state: "drain" });
    const closing = await tunnel(world.url, leaving);
    await world.slot("blue", 1, { state: "drain" });
    await closeBlue(world);
    await world.slot("blue", 0, { state: "ready" });
    await expect.poll(async () => (await echo(world.url)).task).toBe(returning);
    const staying = await tunnel(world.url, returning);
    // The sessions of both slots are closed at the same time.
    await expect.poll(() => closing.isClosed).toBe(true);
    await world.slot("blue", 1, { state: "maint" });
    staying.write("still there");
    await expect.poll(() => staying.received).toContain("still there");
  });

  test("a client that goes away ends its session", async () => {
    const world = await one();
    const client = new RawClient(world.url);
    client.write("GET /held HTTP/1.1\r\nhost: web\r\n\r\n");
    await untilSessions(world, "blue", 1);
    client.close();
    await untilSessions(world, "blue", 0);
    await expect.poll(() => world.task("blue", 0).aborted).toContain("/held");
  });
}

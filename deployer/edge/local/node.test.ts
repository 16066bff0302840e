import { readFileSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { createServer } from "node:net";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";
import { parseLine } from "#collectors/formats/parse-lines.ts";
import { freePort } from "#platform/free-port.ts";

import { echo, openTunnel, RawClient, send } from "../testing/client.ts";
import { startLoad } from "../testing/load.ts";
import { EdgeWorld, TEST_EDGE, WEB } from "../testing/world.ts";
import { openTestLocalEdge } from "./testing.ts";

/** What the local edge does beyond the contract of all edges. */
let edge: Awaited<ReturnType<typeof openTestLocalEdge>>;
let world: EdgeWorld;
beforeAll(async () => {
  edge = await openTestLocalEdge();
  world = new EdgeWorld(edge);
});
afterAll(() => world.close());

const linesOf = (node: string): string[] =>
  readFileSync(path.join(edge.folder, "logs", `edge-${node}.log`), "utf8")
    .trim()
    .split("\n");

test("what clients got from each colour is counted, also when a node is not there", async () => {
  await world.serve();
  const fromMs = Date.now();
  const counts = () => edge.counts(WEB, fromMs);
  // Counts begin with the next whole second.
  await expect
    .poll(async () => {
      for (const url of world.urls) await send(`${url}/length`);
      return (await counts()).blue.requests;
    })
    .toBeGreaterThan(3);
  await world.route({ splitBp: 10_000 });
  for (const code of [500, 404, 503]) await send(`${world.url}/status?code=${code}`);
  await world.task("green", 0).set("hangs-up");
  const { blue, green } = await counts();
  expect(blue).toMatchObject({ errors: 0 });
  expect(blue.latencyMsP95).toBeGreaterThan(0);
  expect(green).toMatchObject({ requests: 3, errors: 2 });
  expect(await edge.counts(WEB, Date.now() + 5_000)).toMatchObject({
    blue: { requests: 0, latencyMsP95: undefined },
  });
  await edge.nodes[1]?.kill();
  expect((await counts()).green).toMatchObject({ requests: 3, errors: 2 });
  await edge.nodes[1]?.start();
  await world.untilReachable();
});

test("a client that goes away is no error of the task", async () => {
  await world.serve();
  const fromMs = Date.now();
  const client = new RawClient(world.url);
  await expect.poll(() => Math.floor(Date.now() / 1_000)).toBeGreaterThan(fromMs / 1_000);
  client.write("GET /held HTTP/1.1\r\nhost: web\r\n\r\n");
  await expect.poll(() => world.got(" GET /held").length).toBeGreaterThan(0);
  client.close();
  await expect
    .poll(() => edge.counts(WEB, fromMs))
    .toMatchObject({ blue: { requests: 1, errors: 0 } });
});

test("the access log is a log of HAProxy with lane, release, slot, retries and times", async () => {
  await world.serve();
  await world.task("blue", 0).set("breaks");
  for (const turn of [0, 1]) await send(`${world.url}/length?turn=${turn}`);
  await expect.poll(() => linesOf("lb1").some((line) => line.includes("turn=1"))).toBe(true);
  const lines = linesOf("lb1").filter((line) => line.includes("/length?turn="));
  const repeated = lines.map((line) => JSON.parse(line)).find(({ rc }) => rc === 1);
  expect(repeated).toMatchObject({
    ST: 200,
    lane: "blue",
    release: "r-blue",
    s: "blue/1",
    b: "web_blue",
    ts: "--",
  });
  expect(repeated.Tr).toBeGreaterThan(0);
  expect(repeated.Ta).toBeGreaterThanOrEqual(repeated.Tr);
  const [line = ""] = lines;
  expect(detectFormat(Buffer.from(lines.join("\n")))).toMatchObject({
    format: { dataset: "haproxy.log" },
  });
  expect(parseLine("haproxy.log", line)).toMatchObject({
    "http.response.status_code": 200,
    "haproxy.backend_name": "web_blue",
  });
});

test("early hints and trailers reach the client", async () => {
  await world.serve();
  const client = new RawClient(world.url);
  onTestFinished(() => client.close());
  client.write("GET /hints HTTP/1.1\r\nhost: web\r\n\r\n");
  await expect
    .poll(() => client.received)
    .toMatch(/^HTTP\/1.1 103 Early Hints\r\nlink: <\/style.css>[^]*HTTP\/1.1 200 [^]*after hints/i);
  expect((await send(`${world.url}/trailers`)).trailers).toEqual({ "x-sum": "42" });
});

test("a POST without a key never uses a connection that the task may be closing", async () => {
  await world.serve();
  for (const index of [0, 1]) await world.task("blue", index).set("hangs-up");
  for (let request = 0; request < 50; request += 1) {
    expect((await echo(world.url, { method: "POST", body: "b" })).bytes).toBe(1);
  }
});

test("what concerns one connection is not passed on", async () => {
  await world.serve();
  const headers = {
    connection: "close, x-secret, authorization",
    "x-secret": "1",
    authorization: "Bearer t",
    te: "trailers",
    "proxy-connection": "keep-alive",
  };
  const got = await echo(world.url, { headers });
  for (const name of ["x-secret", "te", "proxy-connection"]) {
    expect(got.headers).not.toHaveProperty(name);
  }
  // A client could otherwise take away what the task relies on.
  expect(got.headers.authorization).toBe("Bearer t");
});

test("requests that were sent ahead end with their client, and so do their sessions", async () => {
  await world.serve({ tasks: { blue: 1, green: 1 } });
  const before = world.got(" GET /big").length;
  const client = new RawClient(world.url);
  const request = (of: string): string => `GET ${of} HTTP/1.1\r\nhost: web\r\n\r\n`;
  client.write(request("/held") + request("/big?bytes=8000000").repeat(2));
  await expect.poll(() => world.got(" GET /big").length).toBe(before + 2);
  expect(await world.sessions("blue", 0)).toBe(3);
  client.close();
  await expect.poll(() => world.sessions("blue", 0)).toBe(0);
});

test("what is sent ahead can be closed with the sessions of its slot", async () => {
  await world.serve({ tasks: { blue: 1, green: 1 } });
  const client = new RawClient(world.url);
  onTestFinished(() => client.close());
  client.write("GET /held HTTP/1.1\r\nhost: web\r\n\r\n".repeat(3));
  await expect.poll(() => world.sessions("blue", 0)).toBe(3);
  await world.slot("blue", 0, { state: "drain" });
  await edge.driver.closeSessions("lb1", { workload: WEB, colour: "blue", overMs: 100 });
  await expect.poll(() => world.sessions("blue", 0)).toBe(0);
});

test("a response to a request that the client is still sending arrives, and the connection goes on", async () => {
  await world.serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const body = Buffer.alloc(5_000_000);
  for (let turn = 0; turn < 10; turn += 1) {
    const answer = await send(`${world.url}/early`, { method: "POST", body, agent });
    expect(answer).toMatchObject({ status: 413, body: "early" });
    expect((await send(`${world.url}/length`, { agent })).body).toBe("12345");
  }
});

test("a client that does not read its response is cut, and one that does not send its body gets 408", async () => {
  await world.serve({ tasks: { blue: 1, green: 1 } });
  const reader = new RawClient(world.url);
  const sender = new RawClient(world.url);
  onTestFinished(() => [reader, sender].forEach((client) => client.close()));
  reader.socket.pause();
  reader.write("GET /big?bytes=50000000 HTTP/1.1\r\nhost: web\r\n\r\n");
  sender.write("POST /echo HTTP/1.1\r\nhost: web\r\ncontent-length: 5\r\n\r\nabc");
  await expect.poll(() => world.sessions("blue", 0)).toBe(1);
  const timeout = 4 * TEST_EDGE.responseMs;
  await expect.poll(() => world.sessions("blue", 0), { timeout }).toBe(0);
  await expect.poll(() => sender.isClosed, { timeout }).toBe(true);
  expect(sender.received).toMatch(/^HTTP\/1.1 408 /);
});

test("an upgrade with a body is no WebSocket: what follows its head is not tunnelled", async () => {
  await world.serve();
  const client = new RawClient(world.url);
  onTestFinished(() => client.close());
  client.write(
    "GET /echo HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 4\r\n\r\nbody",
  );
  await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 200 [^]*"bytes":4/);
});

test("a client that goes away before its WebSocket is answered ends the request", async () => {
  await world.serve({ tasks: { blue: 1, green: 1 } });
  const before = world.task("blue", 0).aborted.length;
  const client = openTunnel(world.url, "/held");
  await expect.poll(() => world.got(" UPGRADE /held").length).toBe(1);
  client.close();
  await expect.poll(() => world.task("blue", 0).aborted.slice(before)).toEqual(["/held"]);
  await expect.poll(() => world.sessions("blue", 0), { timeout: 30_000 }).toBe(0);
  expect(world.got(" UPGRADE /held")).toHaveLength(1);
});

test("a node that is stopped ends open requests and connections in use without cutting them", async () => {
  await world.serve({ tasks: { blue: 1, green: 1 } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const [node] = edge.nodes;
  const url = node?.url ?? "";
  await send(`${url}/length`, { agent });
  const open = send(`${url}/held`);
  await expect.poll(() => world.sessions("blue", 0)).toBe(1);
  const restarted = node?.restart();
  await expect
    .poll(() =>
      send(`${url}/length`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(0);
  const { body, headers } = await send(`${url}/length`, { agent });
  expect([body, headers.connection]).toEqual(["12345", "close"]);
  await world.task("blue", 0).release();
  expect((await open).body).toBe("held");
  await restarted;
  await world.untilReachable();
});

test("a damaged configuration is not guessed: the node does not start", async () => {
  const [node] = edge.nodes;
  const file = path.join(edge.folder, "edge", "lb1", `${WEB}.json`);
  const saved = readFileSync(file);
  await node?.kill();
  writeFileSync(file, saved.subarray(0, saved.length / 2));
  await expect(node?.start()).rejects.toThrow("lb1");
  writeFileSync(file, saved);
  await node?.start();
  await world.untilReachable();
});

test("configurations that make no sense are refused, with the field", async () => {
  const { driver } = edge;
  const version = world.config.version + 100;
  const wrong = [
    [{ route: { ...world.config.route, splitBp: 10_001 } }, /splitBp/],
    [{ releases: { blue: "a b", green: null } }, /releases/],
    [{ slots: { ...world.config.slots, blue: [] } }, /blue has 3 slots/],
    [
      {
        slots: {
          ...world.config.slots,
          green: world.config.slots.green.map(() => ({ address: "x", state: "maint" as const })),
        },
      },
      /host:port/,
    ],
  ] as const;
  for (const [change, message] of wrong) {
    const config = { ...world.config, version, ...change };
    await expect(driver.apply("lb1", WEB, config)).rejects.toThrow(message);
  }
  expect((await driver.read("lb1", WEB)).version).toBeLessThan(version);
});

describe("the list of workloads", () => {
  const web = () => {
    const { workload: name, slotsPerColour, checkPath } = TEST_EDGE;
    return { name, slotsPerColour, checkPath, port: Number(new URL(world.url).port) };
  };
  const node = () => {
    const [first] = edge.nodes;
    if (first === undefined) throw new Error("the edge has no nodes");
    return first;
  };
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  const statusOf = (url: string): Promise<number> =>
    send(url).then(
      ({ status }) => status,
      () => 0,
    );

  test("one is added and removed again and again under load, and no request of the others fails", async () => {
    await world.serve({ tasks: { blue: 2, green: 1 } });
    const load = startLoad(world.urls);
    onTestFinished(async () => void (await load.stop()));
    const port = await freePort();
    const shop = { ...web(), name: "shop", port };
    for (let round = 0; round < 3; round += 1) {
      await edge.serve(node().id, [web(), shop]);
      expect(await statusOf(`${urlOf(port)}/length`)).toBe(503);
      await edge.serve(node().id, [web()]);
      expect(await statusOf(`${urlOf(port)}/length`)).toBe(0);
      await expect(edge.driver.read(node().id, "shop")).rejects.toThrow(/has no workload shop/);
      const answered = load.loaded.answered;
      await expect.poll(() => load.loaded.answered).toBeGreaterThan(answered + 100);
    }
    const { failed } = await load.stop();
    expect(failed).toEqual([]);
  });

  test("a workload that is removed ends what is open there, and is new when it comes back", async () => {
    await world.serve({ tasks: { blue: 1, green: 1 } });
    const port = await freePort();
    const shop = { ...web(), name: "shop", port };
    await edge.serve(node().id, [web(), shop]);
    await edge.driver.apply(node().id, "shop", { ...world.config, version: 1 });
    await expect.poll(() => statusOf(`${urlOf(port)}/length`)).toBe(200);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await send(`${urlOf(port)}/length`, { agent });
    const before = world.got(" GET /held").length;
    const open = send(`${urlOf(port)}/held`);
    await expect.poll(() => world.got(" GET /held").length).toBe(before + 1);
    await edge.serve(node().id, [web()]);
    const { body, headers } = await send(`${urlOf(port)}/length`, { agent });
    expect([body, headers.connection]).toEqual(["12345", "close"]);
    await world.task("blue", 0).release();
    expect((await open).body).toBe("held");
    await edge.serve(node().id, [web(), shop]);
    expect(await edge.driver.read(node().id, "shop")).toMatchObject({ version: 0 });
    await edge.serve(node().id, [web()]);
  });

  test("a workload moves to the port of another one, and its connections are kept until they are answered", async () => {
    await world.serve();
    const { port } = web();
    const [first, second] = [await freePort(), await freePort()];
    const shop = { ...web(), name: "shop", port: first };
    await edge.serve(node().id, [web(), shop]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await send(`${urlOf(port)}/length`, { agent });
    await edge.serve(node().id, [
      { ...web(), port: first },
      { ...shop, port: second },
    ]);
    expect((await send(`${urlOf(port)}/length`, { agent })).status).toBe(200);
    expect(await statusOf(`${urlOf(first)}/length`)).toBe(200);
    expect(await statusOf(`${urlOf(second)}/length`)).toBe(503);
    await node().kill();
    await node().start();
    await world.untilReachable();
    await expect.poll(() => statusOf(`${urlOf(first)}/length`)).toBe(200);
    await edge.serve(node().id, [web()]);
    await expect.poll(() => statusOf(`${urlOf(port)}/length`)).toBe(200);
  });

  test("a port that another program has is named, keeps no other workload away, and is opened when it is free", async () => {
    await world.serve();
    const load = startLoad(world.urls);
    onTestFinished(async () => void (await load.stop()));
    const [taken, free] = [await freePort(), await freePort()];
    const shop = { ...web(), name: "shop", port: free };
    const blog = { ...shop, name: "blog", port: taken };
    // At first when the list changes, then at a start of the node.
    for (const isStarted of [false, true]) {
      if (isStarted) await node().kill();
      const other = createServer();
      await new Promise<void>((done) => other.listen(taken, "127.0.0.1", done));
      onTestFinished(() => void other.close());
      if (isStarted) {
        await node().start();
        await world.untilReachable();
      } else await edge.serve(node().id, [web(), shop, blog]);
      await expect
        .poll(() => edge.closedPorts(node().id))
        .toEqual([{ workload: "blog", port: taken, why: "is in use by another process" }]);
      await expect.poll(() => statusOf(`${urlOf(free)}/length`)).toBe(503);
      await expect.poll(() => statusOf(`${world.url}/length`)).toBe(200);
      // Deploys go on meanwhile.
      expect(await edge.driver.read(node().id, "blog")).toMatchObject({ version: 0 });
      if (!isStarted) expect((await load.stop()).failed).toEqual([]);
      await new Promise((done) => other.close(done));
      await expect.poll(() => statusOf(`${urlOf(taken)}/length`)).toBe(503);
      expect(await edge.closedPorts(node().id)).toEqual([]);
    }
    await edge.serve(node().id, [web()]);
  });

  test("two workloads with one port change nothing", async () => {
    await world.serve();
    const shop = { ...web(), name: "shop", port: await freePort() };
    const twice = edge.serve(node().id, [web(), { ...shop, port: web().port }]);
    await expect(twice).rejects.toThrow(/two workloads have the port/);
    expect(await statusOf(`${world.url}/length`)).toBe(200);
    await expect(edge.driver.read(node().id, "shop")).rejects.toThrow(/has no workload/);
  });
});

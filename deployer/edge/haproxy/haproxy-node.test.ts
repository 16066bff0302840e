import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Agent, createServer, type Server } from "node:http";
import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import type { EdgeConfig, Slot } from "#deployer/drivers.ts";

import { placeOf } from "../closed-port.ts";
import { TEMPLATES } from "../edge-servers.ts";
import { send } from "../testing/client.ts";
import { HaproxyNode } from "./haproxy-node.ts";
import { emptyConfig } from "./render-node.ts";
import { parseProcesses } from "./replies.ts";
import { RuntimeApi } from "./runtime-api.ts";
import {
  nodeOptions,
  programForTests,
  serverAddress,
  shortFolder,
  startNode,
} from "./testing-haproxy.ts";

const TEMPLATE = TEMPLATES.haproxy;
const HAPROXY = programForTests("haproxy");

/** Answers `text` to everything, also to health checks. */
async function task(text: string): Promise<string> {
  const server = createServer((_request, response) => response.end(text));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

const EMPTY = emptyConfig({ slots: 3 });
const MAINT: Slot = { address: null, state: "maint" };

function config(version: number, blue: Partial<Slot>, more: Partial<EdgeConfig> = {}): EdgeConfig {
  const slots = [{ ...MAINT, ...blue }, MAINT, MAINT];
  return { ...EMPTY, version, slots: { blue: slots, green: [MAINT, MAINT, MAINT] }, ...more };
}

const untilUp = (node: HaproxyNode): Promise<void> =>
  expect.poll(async () => (await node.read("web")).slots.blue[0]?.up).toBe(true);

describe.skipIf(HAPROXY === undefined)("a HAProxy node", () => {
  test("is found again by the next one, and goes on meanwhile", async () => {
    const options = await nodeOptions();
    const first = new HaproxyNode(options);
    onTestFinished(() => first.stop());
    await first.start();
    await first.apply("web", config(1, { address: await task("hello"), state: "ready" }));
    const { pid } = first.process;
    const second = new HaproxyNode(options);
    await second.start();
    expect(second.process.pid).toBe(pid);
    await untilUp(second);
    expect((await second.read("web")).version).toBe(1);
    expect(await (await fetch(`http://${options.settings.listen["web"]}/`)).text()).toBe("hello");
    await second.stop();
    expect(first.process.pid).toBeUndefined();
  });

  test("a template that sends HAProxy into the background does not: its process is found", async () => {
    const options = await nodeOptions({ template: `global\n  daemon\n${TEMPLATE}` });
    const node = new HaproxyNode(options);
    onTestFinished(() => node.stop());
    await node.start();
    expect(node.process.pid).toBeDefined();
    await node.reload();
    expect(node.process.pid).toBeDefined();
  });

  test("after a reload a slot is up only when it was checked again, and keeps its state", async () => {
    const node = await startNode();
    const address = await task("hello");
    await node.apply("web", config(1, { address, state: "drain" }));
    await untilUp(node);
    await node.reload();
    expect((await node.read("web")).slots.blue[0]).toMatchObject({ address, state: "drain" });
    await untilUp(node);
    await node.apply("web", config(2, { address, state: "ready" }));
    expect(await node.read("web")).toMatchObject({
      version: 2,
      slots: { blue: [{ state: "ready" }, {}, {}] },
    });
  });

  test("what comes through connections that an earlier worker has left is served by the live colour", async () => {
    const node = await startNode();
    const slots = {
      blue: EMPTY.slots.blue,
      green: [{ address: await task("hello"), state: "ready" as const }, MAINT, MAINT],
    };
    const route = { live: "green", next: "blue", splitBp: 0 } as const;
    await node.apply("web", { ...EMPTY, version: 1, slots, route });
    await expect.poll(async () => (await node.read("web")).slots.green[0]?.up).toBe(true);
    const url = `http://${node.settings.listen["web"]}/`;
    for (const method of ["GET", "POST"]) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      expect(await send(url, { agent, method })).toMatchObject({ status: 200, body: "hello" });
      await node.reload();
      expect(await send(url, { agent, method })).toMatchObject({ status: 200, body: "hello" });
    }
  });

  test("a task that was killed fails no request of connections that an earlier worker has left", async () => {
    const node = await startNode();
    const killed = createServer((_, response) => response.end("hello"));
    await new Promise<void>((done) => killed.listen(0, "127.0.0.1", done));
    onTestFinished(() => void killed.close());
    const at = killed.address();
    const address = `127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
    const state = "ready" as const;
    const blue = [{ address, state }, { address: await task("hello"), state }, MAINT];
    await node.apply("web", { ...EMPTY, version: 1, slots: { ...EMPTY.slots, blue } });
    const up = async () => (await node.read("web")).slots.blue.filter((it) => it.up).length;
    await expect.poll(up).toBe(2);
    const url = `http://${node.settings.listen["web"]}/`;
    const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    onTestFinished(() => agents.forEach((agent) => agent.destroy()));
    // At the same time, so that each has a connection of its own inside the node too.
    const askAll = () => Promise.all(agents.map((agent) => send(url, { agent, method: "GET" })));
    await askAll();
    await node.reload();
    killed.close();
    killed.closeAllConnections();
    for (const answer of await askAll()) expect(answer).toMatchObject({ status: 200 });
  });

  test("sessions that an earlier worker has left are counted, closed, and not forgotten", async () => {
    const node = await startNode();
    const server = createServer((request, response) => {
      if (request.url !== "/open") response.end();
      else response.write("begins");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const at = server.address();
    const address = `127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
    await node.apply("web", config(1, { address, state: "ready" }));
    await untilUp(node);
    const url = `http://${node.settings.listen["web"]}/open`;
    const { body } = await fetch(url, { headers: { accept: "text/event-stream" } });
    const ended = new Response(body).text().then(
      () => "ended",
      () => "ended",
    );
    const sessions = async (): Promise<number | undefined> =>
      (await node.read("web")).slots.blue[0]?.sessions;
    await expect.poll(sessions).toBe(1);
    await node.reload();
    expect(await sessions()).toBe(1);
    await node.apply("web", config(2, { address, state: "drain" }));
    expect(await sessions()).toBe(1);
    await node.closeSessions("web", "blue", 0);
    await expect.poll(sessions).toBe(0);
    expect(await ended).toBe("ended");
  });

  test("what somebody else changes is seen, and repaired by the next configuration", async () => {
    const node = await startNode();
    const address = await task("hello");
    await node.apply("web", config(1, { address, state: "ready" }));
    await untilUp(node);
    const master = path.join(path.dirname(node.process.outputFile), "master.sock");
    const api = new RuntimeApi("lb1", master);
    const { current: pid = 0 } = parseProcesses(await api.master("show proc"));
    const route = "green|blue|10000|||1";
    await api.write({ pid }, "set server web_blue/s1 state maint");
    await api.write({ pid }, `set map maps/route.map web ${route}`);
    expect(await node.read("web")).toMatchObject({
      version: 1,
      route: { live: "green", splitBp: 10_000 },
      slots: { blue: [{ state: "maint", up: false }, {}, {}] },
    });
    await node.apply("web", config(2, { address, state: "ready" }));
    await untilUp(node);
    expect((await node.read("web")).route).toEqual(EMPTY.route);
  });

  test("more slots than it was started with come by a reload", async () => {
    const node = await startNode();
    const slots = Array.from({ length: 5 }, () => MAINT);
    await node.apply("web", { ...EMPTY, version: 1, slots: { blue: slots, green: slots } });
    const { slots: seen } = await node.read("web");
    expect([seen.blue.length, seen.green.length]).toEqual([5, 5]);
  });

  test("files are changed before the process, so that a start after a kill has them", async () => {
    const node = await startNode();
    await node.apply("web", config(1, {}));
    const { pid = 0 } = node.process;
    process.kill(-pid, "SIGKILL");
    await expect.poll(() => node.process.pid).toBeUndefined();
    const route = { live: "green", next: "blue", splitBp: 7 } as const;
    await expect(node.apply("web", config(2, {}, { route }))).rejects.toThrow(
      /lb1.*files were changed/,
    );
    await expect(node.apply("web", config(1, {}))).rejects.toThrow(/older version 1/);
    await node.start();
    expect(await node.read("web")).toMatchObject({ version: 2, route });
  });

  test("what it cannot be configured with is refused with the field, and changes nothing", async () => {
    const node = await startNode();
    const bad: [EdgeConfig, RegExp][] = [
      [config(1, { address: "nowhere", state: "maint" }), /slots\.blue\.0\.address.*"nowhere"/],
      [config(1, { address: "127.0.0.1:0", state: "maint" }), /slots\.blue\.0\.address/],
      [config(1, { state: "ready" }), /slots\.blue\.0 has no address/],
      [config(1, {}, { releases: { blue: "a|b\nc", green: null } }), /releases\.blue/],
      [config(1, {}, { route: { ...EMPTY.route, splitBp: 10_001 } }), /route\.splitBp/],
    ];
    for (const [wrong, why] of bad) {
      await expect((async () => node.apply("web", wrong))()).rejects.toThrow(why);
    }
    expect((await node.read("web")).version).toBe(0);
  });

  test("a template that HAProxy refuses never reaches it; the error has the line", async () => {
    const folder = path.join(shortFolder(), "lb1");
    const node = await startNode({ folder });
    const file = path.join(folder, "current", "haproxy.cfg");
    const before = readFileSync(file, "utf8");
    const { pid } = node.process;
    const lines = TEMPLATE.split("\n");
    const at = lines.findIndex((line) => line.includes("balance leastconn"));
    const wrong = lines.with(at, "  balance leastcon").join("\n");
    await expect(node.useTemplate(wrong)).rejects.toThrow(
      new RegExp(`Line ${at + 1}: .*leastcon[^]*balance leastcon`),
    );
    const missing = TEMPLATE.replace("default_backend direct", "default_backend nowhere");
    await expect(node.useTemplate(missing)).rejects.toThrow(/nowhere/);
    await expect(node.useTemplate(TEMPLATE.replaceAll("{{blueServers}}", ""))).rejects.toThrow(
      "{{blueServers}} is missing in {{#workloads}}",
    );
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(node.process.pid).toBe(pid);
    expect(readdirSync(path.join(folder, "generations"))).toHaveLength(1);
    await node.useTemplate(TEMPLATE.replace("retries 3", "retries 2"));
    expect(readFileSync(file, "utf8")).toContain("retries 2");
  });

  test("a template with which it cannot start, as a port is in use, is taken back", async () => {
    const taken = await task("taken");
    const node = await startNode();
    const template = `${TEMPLATE}\nfrontend extra\n  bind ${taken}\n  default_backend direct\n`;
    await expect(node.useTemplate(template)).rejects.toThrow(new RegExp(taken));
    expect((await node.read("web")).version).toBe(0);
    await node.apply("web", config(1, {}));
    await node.reload();
    expect((await node.read("web")).version).toBe(1);
  });

  test("a port that another program has is named, keeps no other workload away, and is opened when it is free", async () => {
    const options = await nodeOptions();
    const { web = "" } = options.settings.listen;
    const shop = await serverAddress();
    const listen = { web, shop };
    const workloads = ["web", "shop"].map((name) => ({ name, checkPath: "/", slots: 1 }));
    const take = async (): Promise<Server> => {
      const { port } = placeOf(shop);
      const other = createServer((_, response) => response.end("another program"));
      await new Promise<void>((done) => other.listen(port, "127.0.0.1", done));
      onTestFinished(() => void other.close());
      return other;
    };
    const closed = [
      { workload: "shop", port: placeOf(shop).port, why: "is in use by another process" },
    ];
    const bodyOf = async (address: string): Promise<string> =>
      (await send(`http://${address}/`)).body;
    const node = new HaproxyNode(options);
    onTestFinished(() => node.stop());
    await node.start();
    await node.apply("web", config(1, { address: await task("hello"), state: "ready" }));
    await expect.poll(() => bodyOf(web)).toBe("hello");

    const first = await take();
    await node.serve(workloads, listen);
    expect(node.closedPorts).toEqual(closed);
    await expect.poll(() => bodyOf(web)).toBe("hello");
    expect(await bodyOf(shop)).toBe("another program");
    expect(await node.checkTemplate(TEMPLATE, [])).toEqual([]);
    // Deploys go on meanwhile.
    const slots = {
      blue: [{ address: await task("shop"), state: "ready" as const }],
      green: [MAINT],
    };
    await node.apply("shop", { ...EMPTY, version: 1, slots });
    await new Promise((done) => first.close(done));
    await node.openPorts();
    expect(node.closedPorts).toEqual([]);
    await expect.poll(() => bodyOf(shop)).toBe("shop");

    await node.stop();
    const second = await take();
    await node.start();
    expect(node.closedPorts).toEqual(closed);
    await expect.poll(() => bodyOf(web)).toBe("hello");
    await new Promise((done) => second.close(done));
    await node.openPorts();
    await expect.poll(() => bodyOf(shop)).toBe("shop");
  });

  test("a workload that is added can be configured while an earlier worker has connections", async () => {
    const options = await nodeOptions();
    const { web = "" } = options.settings.listen;
    const node = new HaproxyNode(options);
    onTestFinished(() => node.stop());
    await node.start();
    await node.apply("web", config(1, { address: await task("hello"), state: "ready" }));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await expect.poll(async () => (await send(`http://${web}/`, { agent })).status).toBe(200);
    const workloads = ["web", "shop"].map((name) => ({ name, checkPath: "/", slots: 3 }));
    await node.serve(workloads, { web, shop: await serverAddress() });
    await node.apply("shop", config(1, {}));
    expect((await node.read("shop")).version).toBe(1);
    await node.closeSessions("shop", "blue", 0);
  });

  test("a port inside the edge that another program has is named with what to set", async () => {
    const taken = await task("taken");
    const options = await nodeOptions();
    const node = new HaproxyNode({
      ...options,
      settings: { ...options.settings, internal: taken },
    });
    await expect(node.start()).rejects.toThrow(
      new RegExp(`Port ${placeOf(taken).port}, which lb1 needs .* in use .* QUARTERDECK_EDGE_PORT`),
    );
  });

  test("a folder whose path is too long for sockets is refused", async () => {
    const folder = path.join(shortFolder(), "x".repeat(90));
    const options = await nodeOptions({ folder });
    expect(() => new HaproxyNode(options)).toThrow(/shorter path/);
    expect(existsSync(path.join(folder, "current"))).toBe(false);
  });
});

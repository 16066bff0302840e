import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { echo, openTunnel, RawClient, send } from "./client.ts";
import { startLoad } from "./load.ts";
import type { EdgeWorld } from "./world.ts";

/** What clients see when tasks fail. */
export function testFailures(shared: () => EdgeWorld): void {
  test("tasks that are killed under load fail no GET and no POST with a key, and no POST is sent twice", async () => {
    const world = shared();
    await world.serve();
    const load = startLoad(world.urls);
    for (let kills = 0; kills < 3; kills += 1) {
      const before = load.loaded.answered;
      await expect.poll(() => load.loaded.answered).toBeGreaterThan(before + 100);
      await world.task("blue", 0).kill();
      const after = load.loaded.answered;
      await expect.poll(() => load.loaded.answered).toBeGreaterThan(after + 100);
      await world.serve();
    }
    const { failed, unkeyed, answered } = await load.stop();
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(600);
    expect(unkeyed.length).toBeGreaterThan(20);
    const sent = world.got(" POST ");
    const times = unkeyed.map((id) => sent.filter((line) => line.endsWith(id)).length);
    expect(Math.max(...times)).toBe(1);
  });

  test("a connection that is closed without an answer: GET and keyed requests go to another task", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 0).set("breaks");
    const good = world.task("blue", 1).name;
    for (let request = 0; request < 8; request += 1) {
      expect((await echo(world.url)).task).toBe(good);
      const keyed = {
        method: "POST",
        body: "again",
        headers: { "idempotency-key": `k${request}` },
      };
      expect(await echo(world.url, keyed)).toMatchObject({ task: good, bytes: 5 });
    }
  });

  test("a keyed request whose body comes after its head goes to another task too", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 0).set("breaks");
    for (let request = 0; request < 8; request += 1) {
      const client = new RawClient(world.url);
      onTestFinished(() => client.close());
      client.write(
        `POST /echo HTTP/1.1\r\nhost: web\r\nidempotency-key: late${request}\r\ncontent-length: 5\r\n\r\n`,
      );
      // Until an edge that did not wait would have sent the head to a task.
      await delay(50);
      client.write("again");
      await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 200 [^]*"bytes":5/);
    }
  });

  test("a task that closes connections after each response without saying so fails nothing that may be repeated", async () => {
    const world = shared();
    await world.serve();
    for (const index of [0, 1]) await world.task("blue", index).set("hangs-up");
    for (let request = 0; request < 40; request += 1) {
      expect((await echo(world.url)).release).toBe("r-blue");
      const keyed = { method: "POST", body: "b", headers: { "idempotency-key": `up${request}` } };
      expect((await echo(world.url, keyed)).release).toBe("r-blue");
    }
  });

  test("a POST without a key is sent once, also when its connection is closed without an answer", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 0).set("breaks");
    const outcomes: number[] = [];
    for (let request = 0; request < 8; request += 1) {
      const headers = { "x-request": `unkeyed-${request}.` };
      const sent = { method: "POST", body: "once", headers };
      const status = await send(`${world.url}/echo`, sent).then(
        (it) => it.status,
        () => 0,
      );
      outcomes.push(status);
      const [line, ...others] = world.got(`unkeyed-${request}.`);
      expect(others).toEqual([]);
      expect(status === 200).toBe(line?.startsWith(world.task("blue", 1).name));
    }
    expect(outcomes).toContain(200);
    expect(outcomes.every((status) => [0, 200, 502].includes(status))).toBe(true);
  });

  test("a WebSocket that no task answers is refused", async () => {
    const world = shared();
    await world.serve();
    for (const index of [0, 1]) await world.task("blue", index).set("breaks");
    for (const index of [0, 1]) await world.task("green", index).set("breaks");
    const client = openTunnel(world.url);
    onTestFinished(() => client.close());
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 50[23] /);
  });

  test("a task that cannot be connected to: every request goes to another one", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 0).kill();
    for (let request = 0; request < 10; request += 1) {
      const sent = { method: "POST", body: "once", headers: { "x-request": "connect" } };
      expect((await echo(world.url, sent)).task).toBe(world.task("blue", 1).name);
    }
  });

  test("also one with a body that is too large to be kept, as nothing of it was sent", async () => {
    const world = shared();
    await world.serve();
    await world.task("blue", 0).kill();
    for (let request = 0; request < 10; request += 1) {
      const sent = { method: "POST", body: Buffer.alloc(1_000_000) };
      expect(await echo(world.url, sent)).toMatchObject({
        task: world.task("blue", 1).name,
        bytes: 1_000_000,
      });
    }
  });

  test("a POST that asks for a WebSocket is not sent twice either", async () => {
    const world = shared();
    await world.serve();
    for (const index of [0, 1]) await world.task("blue", index).set("breaks");
    const headers = { "x-request": "upgrading.", connection: "upgrade", upgrade: "websocket" };
    await send(`${world.url}/socket`, { method: "POST", headers }).catch(() => undefined);
    expect(world.got("upgrading.").length).toBeLessThan(2);
  });

  test("a task that does not answer: GET goes to another one, a POST without a key ends with 504", async () => {
    const world = shared();
    await world.serve({ tasks: { blue: 2, green: 0 } });
    await world.task("blue", 0).set("hangs");
    const requests = [1, 2, 3, 4].map(() => echo(world.url));
    const posts = [1, 2, 3, 4].map((at) =>
      send(`${world.url}/echo`, {
        method: "POST",
        body: "b",
        headers: { "x-request": `hang-${at}.` },
      }),
    );
    for (const { task } of await Promise.all(requests)) {
      expect(task).toBe(world.task("blue", 1).name);
    }
    for (const { status } of await Promise.all(posts)) expect([200, 504]).toContain(status);
    for (const at of [1, 2, 3, 4]) expect(world.got(`hang-${at}.`)).toHaveLength(1);
  });

  test("an answer of 500 or 503 is the client's, and is asked for once", async () => {
    const world = shared();
    await world.serve();
    for (const code of [500, 503]) {
      const headers = { "x-request": `code-${code}.` };
      const { status } = await send(`${world.url}/status?code=${code}`, { headers });
      expect(status).toBe(code);
      expect(world.got(`code-${code}.`)).toHaveLength(1);
    }
  });

  test("a response that breaks off is not completed by another task", async () => {
    const world = shared();
    await world.serve({ tasks: { blue: 1, green: 0 } });
    const cut = send(`${world.url}/cut`);
    await expect.poll(() => world.got(" GET /cut").length).toBeGreaterThan(0);
    await world.task("blue", 0).release();
    await expect(cut).rejects.toThrow(/./);
    expect((await echo(world.url)).release).toBe("r-blue");
  });
}

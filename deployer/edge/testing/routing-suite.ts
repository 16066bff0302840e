import { Agent } from "node:http";

import { expect, onTestFinished, test } from "vitest";

import { placeOfSession, STICKY_COOKIE, WHOLE_BP } from "../lane.ts";
import { echo, RawClient, send } from "./client.ts";
import { type EdgeWorld, TEST_EDGE } from "./world.ts";

const SESSIONS = 200;
const REQUESTS = 600;
const AT_ONCE = 8;
/** Beyond this many standard deviations a share is wrong, and not bad luck: once in 3.5 million runs. */
const DEVIATIONS = 5;

function expectShare(count: number, total: number, share: number): void {
  const deviation = Math.sqrt(total * share * (1 - share));
  expect(Math.abs(count - total * share)).toBeLessThanOrEqual(DEVIATIONS * deviation);
}

/** Which colour and which task gets a request. */
export function testRouting(shared: () => EdgeWorld): void {
  /** Many requests to a node in turn. @returns how many of them the green tasks got */
  async function greenOf(url: string, requests: number): Promise<number> {
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    onTestFinished(() => agent.destroy());
    let green = 0;
    let left = requests;
    const client = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const { headers } = await send(`${url}/length`, { agent });
        if (headers["x-release"] === "r-green") green += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    return green;
  }

  async function isGreen(url: string, session: string): Promise<boolean> {
    // Of two, as with another path, the last one counts.
    const cookie = `theme=dark; ${STICKY_COOKIE}=another; x${STICKY_COOKIE}=1; ${STICKY_COOKIE}=${session}; other=1`;
    const { headers } = await send(`${url}/length`, { headers: { cookie } });
    return headers["x-release"] === "r-green";
  }

  test("the split is exact on each node", async () => {
    const world = shared();
    await world.serve();
    for (const splitBp of [0, 100, 2_500, WHOLE_BP]) {
      await world.route({ splitBp });
      for (const url of world.urls) {
        expectShare(await greenOf(url, REQUESTS), REQUESTS, splitBp / WHOLE_BP);
      }
    }
  });

  test("a route whose two colours are the same sends everything there", async () => {
    const world = shared();
    await world.serve({ route: { live: "green", next: "green", splitBp: 0 } });
    for (const url of world.urls) expect(await greenOf(url, 50)).toBe(50);
  });

  test("a session keeps its colour as the split grows, on all nodes", async () => {
    const world = shared();
    await world.serve();
    const sessions = Array.from({ length: SESSIONS }, (_, at) => `session-${at}-${at * 7_919}`);
    let before = new Set<string>();
    for (const splitBp of [100, 1_000, 5_000]) {
      await world.route({ splitBp });
      const green = new Set<string>();
      for (const session of sessions) {
        const seen = await Promise.all(world.urls.map((url) => isGreen(url, session)));
        expect(new Set(seen).size).toBe(1);
        expect(seen[0]).toBe(placeOfSession(session) < splitBp);
        if (seen[0] === true) green.add(session);
      }
      expect([...before].filter((session) => !green.has(session))).toEqual([]);
      expectShare(green.size, SESSIONS, splitBp / WHOLE_BP);
      before = green;
    }
  });

  test("a share of nothing is no session, and the smallest one is those at the first place", async () => {
    const world = shared();
    await world.serve();
    const first = Array.from({ length: 100_000 }, (_, at) => `s-${at}`).find(
      (session) => placeOfSession(session) === 0,
    );
    for (const splitBp of [0, 1]) {
      await world.route({ splitBp });
      for (const url of world.urls) expect(await isGreen(url, first ?? "")).toBe(splitBp === 1);
    }
  });

  test("the task learns lane and release from the edge and not from the client", async () => {
    const world = shared();
    await world.serve();
    const claims = { "x-lane": "green", "X-Lane": "green", "x-release": "r-0" };
    const { headers } = await echo(world.url, { headers: claims });
    expect(headers).toMatchObject({ "x-lane": "blue", "x-release": "r-blue" });
    await world.route({ splitBp: WHOLE_BP });
    const next = await echo(world.url);
    expect(next.headers).toMatchObject({ "x-lane": "green", "x-release": "r-green" });
  });

  test("the preview lane is open to control networks only", async () => {
    const world = shared();
    await world.serve();
    const headers = { "x-preview-lane": "green" };
    expect(await echo(world.url, { headers })).toMatchObject({
      release: "r-green",
      headers: { "x-lane": "green" },
    });
    expect((await echo(world.url, { headers, from: "127.0.0.2" })).release).toBe("r-blue");
    await world.route({ splitBp: WHOLE_BP });
    const back = { "x-preview-lane": "blue" };
    expect((await echo(world.url, { headers: back })).release).toBe("r-blue");
  });

  test("several preview lanes name a colour or have no effect", async () => {
    const world = shared();
    await world.serve({ tasks: { blue: 1, green: 1 } });
    for (const [first, second] of [
      ["green", 'x","status":200'],
      ["x", "green"],
      ["blue", "green"],
    ]) {
      const client = new RawClient(world.url);
      onTestFinished(() => client.close());
      const lanes = `x-preview-lane: ${first}\r\nx-preview-lane: ${second}\r\n`;
      client.write(`GET /echo HTTP/1.1\r\nhost: web\r\n${lanes}\r\n`);
      await expect.poll(() => client.received).toMatch(/"x-lane":"(?:blue|green)"/);
    }
  });

  test("an unknown preview lane has no effect", async () => {
    const world = shared();
    await world.serve();
    for (const lane of ["pink", "", "green, blue", "constructor"]) {
      const headers = { "x-preview-lane": lane };
      expect((await echo(world.url, { headers })).release).toBe("r-blue");
    }
  });

  test("without a slot that is up, the other colour serves", async () => {
    const world = shared();
    await world.serve({ tasks: { green: 0 }, route: { splitBp: WHOLE_BP } });
    for (const url of world.urls) expect(await greenOf(url, 20)).toBe(0);
    await world.serve();
    for (const index of [0, 1]) await world.task("blue", index).set("unhealthy");
    for (const index of [0, 1]) await world.untilUp("blue", index, false);
    for (const url of world.urls) expect(await greenOf(url, 20)).toBe(20);
  });

  test("without any slot that is up, those that are ready are tried all the same", async () => {
    const world = shared();
    await world.serve();
    await world.slot("green", 0, { state: "maint" });
    await world.slot("green", 1, { state: "drain" });
    for (const colour of ["blue", "green"] as const) {
      for (const index of [0, 1]) await world.task(colour, index).set("unhealthy");
    }
    for (const index of [0, 1]) await world.untilUp("blue", index, false);
    await world.untilUp("green", 1, false);
    for (const splitBp of [0, WHOLE_BP]) {
      await world.route({ splitBp });
      for (const url of world.urls) {
        for (let request = 0; request < 10; request += 1) {
          expect((await echo(url)).release).toBe("r-blue");
        }
      }
    }
  });

  test("without any slot that is ready, the answer is 503", async () => {
    const world = shared();
    await world.serve();
    for (const colour of ["blue", "green"] as const) {
      for (const index of [0, 1]) await world.slot(colour, index, { state: "maint" });
    }
    for (const url of world.urls) expect((await send(`${url}/echo`)).status).toBe(503);
  });

  test("all slots of a colour get requests", async () => {
    const world = shared();
    const tasks = TEST_EDGE.slotsPerColour;
    await world.serve({ tasks: { blue: tasks } });
    const got = new Set<string>();
    for (let request = 0; request < 30; request += 1) got.add((await echo(world.url)).task);
    expect(got.size).toBe(tasks);
  });

  test("the task gets the address of the client, and none that the client made up", async () => {
    const world = shared();
    await world.serve();
    const headers = { "x-forwarded-for": "203.0.113.9" };
    const got = await echo(world.url, { headers, from: "127.0.0.2" });
    expect(String(got.headers["x-forwarded-for"]).split(",").at(-1)?.trim()).toBe("127.0.0.2");
  });
}

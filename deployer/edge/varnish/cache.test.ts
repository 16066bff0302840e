import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { parseLine } from "#collectors/formats/parse-lines.ts";
import type { Colour } from "#deployer/drivers.ts";

import type { EdgeServers } from "../edge-servers.ts";
import { programForTests } from "../haproxy/testing-haproxy.ts";
import { openServers, Web } from "../testing-servers.ts";
import { hitRatio } from "../traffic/lane-history.ts";
import { checkVcl } from "./varnish-node.ts";

const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);

type Sent = {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  localAddress?: string;
};
type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

function send(url: string, { body, ...options }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      const { statusCode = 0, headers } = response;
      text(response).then((got) => resolve({ status: statusCode, headers, body: got }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Sends a head as it is, and returns all of the answer. */
function raw(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${head}connection: close\r\n\r\n`);
  return text(socket);
}

describe.skipIf(!hasPrograms)("the cache", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "qd-cache "));
  /** How the tasks answer, and how often they were asked. */
  let answerHeaders: Record<string, string> = {};
  let status = 200;
  let asked: IncomingHttpHeaders[] = [];
  /** How many of the next answers end in the middle. */
  let breaksOff = 0;
  let fresh = 0;
  const tasks: Server[] = [];
  let servers: EdgeServers;
  let web: Web;
  let url = "";

  async function startTask(colour: Colour): Promise<string> {
    const task = createServer((incoming, response) => {
      if (incoming.url === "/healthz") return void response.end();
      asked.push(incoming.headers);
      incoming.resume();
      incoming.on("end", () => {
        const body = `${colour} ${asked.length}`;
        response.writeHead(status, {
          "cache-control": "max-age=60",
          "content-length": body.length,
          ...answerHeaders,
        });
        if (breaksOff === 0) return void response.end(body);
        breaksOff -= 1;
        response.write(body.slice(0, 3), () => setImmediate(() => response.destroy()));
      });
    });
    await new Promise<void>((done) => task.listen(0, "127.0.0.1", done));
    tasks.push(task);
    const address = task.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  beforeAll(async () => {
    servers = await openServers(folder);
    await servers.start();
    web = new Web(servers);
    [url = ""] = web.urls;
    await web.admit("blue", "r1", [{ address: await startTask("blue") }]);
    await web.admit("green", "r2", [{ address: await startTask("green") }]);
  });
  afterAll(async () => {
    await servers.stop();
    for (const task of tasks) {
      task.closeAllConnections();
      task.close();
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  beforeEach(() => {
    answerHeaders = {};
    status = 200;
    asked = [];
    fresh += 1;
  });

  const page = (name = "page"): string => `${url}/${name}-${fresh}`;
  const cacheOf = async (at: string, sent?: Sent): Promise<unknown> =>
    (await send(at, sent)).headers["x-cache"];
  const lane = (colour: Colour): Sent => ({ headers: { "x-preview-lane": colour } });

  test("a response is stored once for both HAProxy nodes", async () => {
    expect(await cacheOf(page())).toBe("miss");
    expect(await cacheOf(page())).toBe("hit");
    const other = page().replace(url, web.urls[1] ?? "");
    expect(await cacheOf(other, { headers: { host: new URL(url).host } })).toBe("hit");
    expect(asked).toHaveLength(1);
  });

  test("each colour and each release has its own responses; one that returns finds them again", async () => {
    expect((await send(page(), lane("blue"))).body).toBe("blue 1");
    expect((await send(page(), lane("green"))).body).toBe("green 2");
    expect((await send(page(), lane("blue"))).body).toBe("blue 1");
    const { releases } = web.config;
    await web.apply({ releases: { ...releases, blue: "r3" } });
    expect((await send(page(), lane("blue"))).body).toBe("blue 3");
    await web.apply({ releases });
    expect((await send(page(), lane("blue"))).body).toBe("blue 1");
  });

  test("devices and classes of countries are told apart, user agents and countries are not", async () => {
    answerHeaders = { vary: "User-Agent, Accept" };
    expect((await send(`${page()}-vary`)).headers["vary"]).toBe("User-Agent, Accept");
    asked = [];
    const by = (agent: string, country = "DE"): Promise<unknown> =>
      cacheOf(page(), { headers: { "user-agent": agent, "x-country": country } });
    expect(await by("Firefox/150 (iPhone)")).toBe("miss");
    expect(await by("Safari Mobile/99", "FR")).toBe("hit");
    expect(await by("Safari Mobile/99", "US")).toBe("miss");
    expect(await by("Firefox/150 (Linux)")).toBe("miss");
    expect(await by("Googlebot/2.1")).toBe("miss");
    expect(await by("Chrome/150 (Windows)", "AT")).toBe("hit");
    expect(asked[0]).toMatchObject({ "x-device": "mobile", "x-country-class": "europe" });
  });

  test.each<[string, Record<string, string>]>([
    ["Authorization", { authorization: "Bearer t" }],
    ["a session cookie", { cookie: "sid=abc" }],
    ["a cookie that may be a session", { cookie: "_ga=1; basket=7" }],
    ["a session whose name begins like a counter", { cookie: "_gateway_session=7" }],
  ])("a request with %s is neither stored nor answered from the cache", async (_name, headers) => {
    await send(page());
    for (let times = 0; times < 2; times += 1) {
      expect(await cacheOf(page(), { headers })).toBe("pass");
    }
    expect(asked).toHaveLength(3);
    expect(asked[2]).toMatchObject(headers);
    expect(await cacheOf(page())).toBe("hit");
  });

  test("a session in a second line of cookies is seen", async () => {
    await send(page());
    const cookies = ["cookie: _ga=1", "cookie: sid=abc"];
    const got = await raw(
      url,
      `GET /page-${fresh} HTTP/1.1\r\nhost: x\r\n${cookies.join("\r\n")}\r\n`,
    );
    expect(got).toMatch(/x-cache: pass/i);
    expect(asked[1]).toMatchObject({ cookie: "_ga=1; sid=abc" });
  });

  test("cookies that count visits do not prevent it, and reach no task", async () => {
    await send(page(), { headers: { cookie: "_ga=GA1.2.3; _gid=x; __utma=1" } });
    expect(await cacheOf(page(), { headers: { cookie: "_ga_ABC=other" } })).toBe("hit");
    expect(asked[0]).not.toHaveProperty("cookie");
  });

  test.each<[string, Record<string, string>]>([
    ["sets a cookie", { "set-cookie": "sid=new; Path=/" }],
    ["is private", { "cache-control": "private, max-age=60" }],
    ["must not be stored", { "cache-control": "no-store" }],
    ["does not say for how long", { "cache-control": "public" }],
  ])("a response that %s is not stored", async (_name, headers) => {
    answerHeaders = headers;
    for (let times = 0; times < 3; times += 1) expect(await cacheOf(page())).not.toBe("hit");
    expect(asked).toHaveLength(3);
  });

  test.each([500, 503])("an error %i of a task is asked for once, and not stored", async (code) => {
    status = code;
    expect((await send(page())).status).toBe(code);
    expect(asked).toHaveLength(1);
    status = 200;
    // Errors are not waited for one by one for a second; then the page is stored again.
    await expect.poll(() => cacheOf(page())).toBe("hit");
  });

  test("what has expired is served at once while the task is asked whether it has changed", async () => {
    answerHeaders = { etag: '"v1"', "cache-control": "max-age=1" };
    const { body } = await send(page());
    status = 304;
    await expect.poll(async () => [await cacheOf(page()), asked.length > 1]).toEqual(["hit", true]);
    expect(asked[1]).toMatchObject({ "if-none-match": '"v1"' });
    expect(await send(page())).toMatchObject({ status: 200, body });
  });

  test("what the other colour answers is not stored as this one's", async () => {
    await web.state("green", "maint");
    expect((await send(page(), lane("green"))).body).toBe("blue 1");
    expect((await send(page(), lane("green"))).body).toBe("blue 2");
    const address = web.config.slots.green[0]?.address ?? "";
    await web.admit("green", "r2", [{ address }]);
    expect((await send(page("next"), lane("green"))).body).toMatch(/^green/);
  });

  test("a ban removes one URL, the responses with a tag, or those of a release", async () => {
    const [first, second] = [page("a"), page("b?x=1")];
    const fill = async (): Promise<void> => {
      answerHeaders = { "cache-tag": "all, item.1" };
      await send(first);
      answerHeaders = { "cache-tag": "all item.10" };
      await send(second);
    };
    const states = async (): Promise<unknown[]> => [await cacheOf(first), await cacheOf(second)];
    const { host } = new URL(url);
    await fill();
    await servers.ban({ kind: "url", host, url: second.replace(url, "") });
    expect(await states()).toEqual(["hit", "miss"]);
    await servers.ban({ kind: "tag", tag: "item.1" });
    expect(await states()).toEqual(["miss", "hit"]);
    await servers.ban({ kind: "tag", tag: "item" });
    expect(await states()).toEqual(["hit", "hit"]);
    await servers.ban({ kind: "release", workload: "web", release: "r2" });
    expect(await states()).toEqual(["hit", "hit"]);
    await servers.ban({ kind: "release", workload: "web", release: "r1" });
    expect(await states()).toEqual(["miss", "miss"]);
    const { headers } = await send(first);
    expect(
      Object.keys(headers).filter((name) =>
        /^(x-(url|host|key|workload)|cache-tag|via|x-varnish|x-served)/.test(name),
      ),
    ).toEqual([]);
  });

  test("the task gets the address of the client, and none that the client made up", async () => {
    await send(page(), {
      headers: { "x-forwarded-for": "203.0.113.9" },
      localAddress: "127.0.0.2",
    });
    expect(asked[0]?.["x-forwarded-for"]).toBe("127.0.0.2");
  });

  test("clients cannot purge", async () => {
    await send(page());
    for (const method of ["PURGE", "BAN"]) await send(page(), { method }).catch(() => undefined);
    expect(await cacheOf(page())).toBe("hit");
  });

  test("when one internal frontend is gone, all requests at Varnish go to the other one", async () => {
    const other = servers.haproxy[1];
    try {
      const headers = { "x-workload": "web", "x-lane": "blue", "x-release": "r1" };
      const cache = `http://${servers.varnish[0]?.listen}`;
      process.kill(-(other?.process.pid ?? 0), "SIGKILL");
      // At once, so that the turns of some are between the two attempts of others.
      const all = Array.from({ length: 200 }, (_, turn) =>
        send(`${cache}/gone-${turn}`, { headers }),
      );
      const answers = await Promise.all(all);
      expect(new Set(answers.map((it) => it.status))).toEqual(new Set([200]));
    } finally {
      await expect
        .poll(() =>
          servers.driver.read("lb2", "web").then(
            ({ version }) => version,
            () => 0,
          ),
        )
        .toBe(web.config.version);
    }
  });

  test("a response whose task ends in the middle is asked for again, and clients get one whole", async () => {
    breaksOff = 1;
    const got = await send(page());
    expect([got.status, got.body]).toEqual([200, "blue 2"]);
    expect(asked).toHaveLength(2);
  });

  test("the access log is read by Quarterdeck, and tells the hit ratio of each colour", async () => {
    const fromMs = Date.now();
    await expect.poll(() => Date.now()).toBeGreaterThan(fromMs + 1_000);
    const agent = 'Probe "one" ü\\';
    const headers = {
      "user-agent": Buffer.from(agent).toString("latin1"),
      "x-preview-lane": "green",
    };
    for (let times = 0; times < 4; times += 1) await send(`${page()}?q=%22b`, { headers });
    await expect
      .poll(async () => {
        const { green } = await servers.traffic.counts("web", fromMs);
        return [green.requests, green.hits, hitRatio(green)];
      })
      .toEqual([4, 3, 0.75]);
    const file = servers.haproxy[0]?.process.outputFile ?? "";
    const last = readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
    expect(parseLine("haproxy.log", last)).toMatchObject({
      "event.type": ["access"],
      "http.request.method": "GET",
      "url.original": `/page-${fresh}?q=%22b`,
      "http.response.status_code": 200,
      "source.ip": "127.0.0.1",
      "user_agent.original": agent,
      "host.hostname": "lb1",
    });
    expect(last).toContain('"lane":"green","release":"r2","cache":"hit"');
  });

  test("VCL that Varnish does not accept is refused with its line", async () => {
    const wrong = `vcl 4.1;\nbackend b none;\nsub vcl_recv {\n  set req.http.x = nothing.at.all;\n}\n`;
    const check = checkVcl(servers.varnish[0]?.programs.varnishd ?? "", {
      text: wrong,
      origins: [10, 11, 12, 13, 14],
      folder,
    });
    await expect(check).rejects.toThrow(/Line 13: [^]*nothing/);
  });
});

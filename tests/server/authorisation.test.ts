import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";

import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import type { OpenApi } from "#platform/openapi/openapi.ts";

import { numberedLine, numberedLines } from "../harness/access-log.ts";
import {
  addMember,
  type ControlPlane,
  cookieOf,
  createOwner,
  inDatabase,
  IS_BUILT,
  OWNER,
  postJson,
  startControlPlane,
} from "../harness/control-plane.ts";
import { workersOf } from "../harness/processes.ts";
import { temporaryFolder, until } from "../harness/program.ts";
import { logLinesIn } from "../harness/service.ts";

const LINES = 300;
const WHO = ["nobody", "owner", "without grants", "chart on the board", "view of events"] as const;
type Who = (typeof WHO)[number];
const Document = z.custom<OpenApi>((it) => typeof it === "object" && it !== null && "paths" in it);

describe.runIf(IS_BUILT)("authorisation on a running server", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: ControlPlane;
  let data = "";
  let log = "";
  const cookies = new Map<Who, string | undefined>();
  const sockets: Socket[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    data = `${folder.path}/data`;
    log = `${folder.path}/access.log`;
    await writeFile(log, numberedLines(LINES));
    server = await startControlPlane(["--data", data, log], { deploys: true });
    cookies.set("owner", await createOwner(server));
    cookies.set("without grants", await addMember(data, "without", []));
    const chart = { capability: "chart", target: "board:home" } as const;
    cookies.set("chart on the board", await addMember(data, "chart", [chart]));
    const view = { capability: "view", target: "events:all" } as const;
    cookies.set("view of events", await addMember(data, "view", [view]));
    await until("the lines", async () => (await eventsOf(server, cookies.get("owner"))).length > 0);
    await until("the role that deploys", async () => {
      return (await server.get("/api/workloads", cookies.get("owner"))).status === 200;
    });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.disconnect();
    await server?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const open = (who: Who, more: Parameters<typeof io>[1] = {}): Socket => {
    const cookie = cookies.get(who);
    const socket = io(server.url, {
      path: "/socket",
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      ...more,
      extraHeaders: { ...(cookie ? { cookie } : {}), ...more.extraHeaders },
    });
    sockets.push(socket);
    return socket;
  };

  test("without the domain APIs none of their workers is started", () => {
    expect(workersOf(server.child)).toEqual([]);
  });

  test("the one-time link creates one owner and no second one", async () => {
    const again = { ...OWNER, email: "eve@example.test", token: tokenOf(server) };
    expect((await postJson(`${server.url}/api/setup`, again)).status).toBe(403);
    expect(await (await server.get("/api/setup")).json()).toEqual({ open: false });
  });

  test("signing out ends the session, signing in starts another", async () => {
    const signedIn = await postJson(`${server.url}/api/session`, {
      email: OWNER.email,
      password: OWNER.password,
    });
    expect(signedIn.status).toBe(201);
    const cookie = cookieOf(signedIn);
    expect(cookie).not.toBe(cookies.get("owner"));
    expect((await server.get("/api/me", cookie)).status).toBe(200);
    const out = { method: "DELETE", headers: { cookie } };
    expect((await fetch(`${server.url}/api/session`, out)).status).toBe(204);
    expect((await server.get("/api/me", cookie)).status).toBe(401);
    expect((await server.get("/api/me", cookies.get("owner"))).status).toBe(200);
  });

  /** The public rules of the API document. */
  function allowed(who: Who, mayCall: string): "yes" | 401 | 403 {
    if (mayCall.startsWith("anyone")) return "yes";
    if (who === "nobody") return 401;
    if (mayCall === "every member" || who === "owner") return "yes";
    if (who === "chart on the board" && mayCall.includes('"chart board:home"')) return "yes";
    return who === "view of events" && mayCall.includes('"view events:all"') ? "yes" : 403;
  }

  for (const who of WHO) {
    test(`each route allows and refuses what its document states: ${who}`, async () => {
      const document = Document.parse(await (await server.get("/openapi.json")).json());
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          // Signing out would end the session that the next route needs; it is tested above.
          if (operation.operationId === "signOut") continue;
          const cookie = cookies.get(who);
          const { status } = await fetch(`${server.url}${path}`, {
            method: method.toUpperCase(),
            headers: cookie === undefined ? {} : { cookie },
          });
          const answered = `${who}: ${method} ${path} answered ${status}`;
          const expected = allowed(who, operation["x-who"]);
          if (expected === "yes") expect([401, 403], answered).not.toContain(status);
          else expect(status, answered).toBe(expected);
          expect(status, answered).toBeLessThan(500);
        }
      }
    });
  }

  test("a member who may see only charts gets the board, and no raw event by route or socket", async () => {
    const cookie = cookies.get("chart on the board");
    expect((await server.get("/api/board", cookie)).status).toBe(200);
    const socket = open("chart on the board");
    const received: string[] = [];
    const texts: string[] = [];
    socket.onAny((event: string, message: unknown) => {
      received.push(event);
      texts.push(JSON.stringify(message));
    });
    await until("the connection", () => socket.connected);
    socket.emit("watch", { dataset: "nginx.access" });
    socket.emit("tail", { q: "" });
    await until("the refusal", () => received.includes("tail-refused"));
    await appendFile(log, numberedLine(7_000_001, Date.now()));
    await until(
      "the line for the owner",
      async () => (await eventsOf(server, cookies.get("owner"), "7000001")).length > 0,
    );
    await until("a frame", () => received.includes("frame"));
    expect(received).not.toContain("tail");
    expect(texts.join("")).not.toMatch(/7000001|198\.51\.100|Server\/1/);
  });

  test("an appended line is sent to clients that follow events, over both transports", async () => {
    for (const transport of ["websocket", "polling"]) {
      const mark = `${transport.length}4242`;
      const socket = open("owner", { transports: [transport] });
      const seen: string[] = [];
      socket.on("tail", (message: unknown) => seen.push(JSON.stringify(message)));
      await until(`a socket by ${transport}`, () => socket.connected);
      socket.emit("tail", { q: `path:/page` });
      await until(`the line by ${transport}`, async () => {
        await appendFile(log, numberedLine(Number(mark), Date.now()));
        return seen.some((text) => text.includes(`n=${mark}`));
      });
      socket.disconnect();
    }
  });

  test("requests with a foreign Host or Origin, or without a session, get no data and no socket", async () => {
    const evil = { extraHeaders: { origin: "http://evil.example" } };
    const rebound = { extraHeaders: { host: "evil.example" } };
    for (const [who, more] of [
      ["nobody", {}],
      ["without grants", {}],
      ["owner", evil],
      ["owner", rebound],
      ["owner", { ...evil, transports: ["polling"] }],
    ] as const) {
      const socket = open(who, {
        ...more,
        transports: [...("transports" in more ? more.transports : ["websocket"])],
      });
      let refused = false;
      socket.on("connect_error", () => (refused = true));
      await until(`the refusal of ${who}`, () => refused || socket.connected);
      expect(socket.connected).toBe(false);
    }
    const cookie = cookies.get("owner") ?? "";
    for (const path of ["/api/board", "/sign-in", "/livez"]) {
      const answer = await raw(
        server,
        `GET ${path} HTTP/1.1\r\nHost: evil.example\r\nCookie: ${cookie}`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    }
    const change = { method: "DELETE", headers: { cookie, origin: "http://evil.example" } };
    expect((await fetch(`${server.url}/api/session`, change)).status).toBe(403);
  });

  test("pages accept GET and HEAD only, whatever framework headers are sent", async () => {
    const cookie = cookies.get("owner") ?? "";
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const headers = { "next-action": "x", cookie };
      const answer = await fetch(`${server.url}/sign-in`, { method, headers });
      expect(answer.status, method).toBe(405);
    }
    for (const name of ["x-middleware-subrequest", "x-invoke-path", "x-matched-path", "rsc"]) {
      const headers = { [name]: "/sign-in" };
      const answer = await fetch(`${server.url}/explore`, { headers, redirect: "manual" });
      expect(answer.status, name).toBe(302);
    }
  });

  test("an unusual request target is always answered", async () => {
    const host = `Host: ${new URL(server.url).host}`;
    for (const target of [
      "//",
      "///x",
      "http://",
      "http://[",
      "http://evil.example/",
      "*",
      "/%",
      "/%00",
      "/_next/static/..%2f..%2fpackage.json",
      "/\\..\\x",
    ]) {
      const answer = await raw(server, `GET ${target} HTTP/1.1\r\n${host}`);
      expect(answer, target).toMatch(/^HTTP\/1\.1 (?:302|308|400|404) /);
      expect(answer, target).not.toContain("evil.example");
      expect(answer, target).not.toContain("devDependencies");
    }
    expect(server.output()).not.toContain("uncaughtException");
  });

  test("a revoked grant ends the tail, a revoked session its socket", async () => {
    const chart = { capability: "chart", target: "board:home" } as const;
    const view = { capability: "view", target: "events:all" } as const;
    const both = new Map<string, Socket>();
    let refused = false;
    for (const name of ["loses a grant", "leaves"]) {
      const cookie = await addMember(data, name.replaceAll(" ", "-"), [chart, view]);
      const socket = open("nobody", { extraHeaders: { cookie } });
      both.set(name, socket);
      await until(`the socket of who ${name}`, () => socket.connected);
      socket.emit("tail", { q: "" });
    }
    both.get("loses a grant")?.on("tail-refused", () => (refused = true));
    await inDatabase(data, async (client) => {
      await client.query(
        "DELETE FROM grants WHERE capability = 'view' AND member_id = (SELECT id FROM members WHERE name = 'loses-a-grant')",
      );
      await client.query("DELETE FROM members WHERE name = 'leaves'");
    });
    await until("the end of the tail", () => refused);
    await until("the end of the socket", () => both.get("leaves")?.connected === false);
    expect(both.get("loses a grant")?.connected).toBe(true);
  }, 60_000);

  test("each request of the API is one ECS document in the access log", async () => {
    await server.get("/api/me?q=secret", cookies.get("owner"));
    const file = `${data}/logs/quarterdeck.access.ndjson`;
    const line = await until("the line", async () => {
      const lines = logLinesIn(await readFile(file, "utf8"));
      return lines.findLast((it) => it["url.path"] === "/api/me");
    });
    expect(line).toMatchObject({
      "service.name": "quarterdeck",
      "event.dataset": "quarterdeck.access",
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/api/me",
      "user.hash": expect.stringMatching(/^[\da-f]{32}$/),
      "trace.id": expect.stringMatching(/^[\da-f]{32}$/),
    });
  });

  test("no token, cookie or password is in the logs, and other users cannot read any data file", async () => {
    const logs = ["quarterdeck.log", "quarterdeck.access.ndjson"];
    const texts = await Promise.all(logs.map((name) => readFile(`${data}/logs/${name}`, "utf8")));
    const text = texts.join("");
    expect(text).not.toContain("secret");
    for (const cookie of cookies.values()) {
      if (cookie) expect(text).not.toContain(cookie.split("=")[1]);
    }
    expect(text).not.toContain(tokenOf(server));
    expect(text).not.toContain(OWNER.password);
    for (const name of ["", "/store", "/locks", "/logs", "/postgres"]) {
      expect((await stat(`${data}${name}`)).mode & 0o077, name).toBe(0);
    }
  });
});

const tokenOf = ({ setupUrl = "" }: ControlPlane): string =>
  new URL(setupUrl).searchParams.get("token") ?? "";

async function eventsOf(
  { get }: ControlPlane,
  cookie: string | undefined,
  q = "",
): Promise<unknown[]> {
  const response = await get(`/api/events?q=${encodeURIComponent(q)}`, cookie);
  const body: unknown = await response.json();
  const events = typeof body === "object" && body !== null && "events" in body ? body.events : [];
  return Array.isArray(events) ? events : [];
}

/** Sends a raw request that no HTTP client would send. */
function raw({ url }: ControlPlane, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let answer = "";
    socket.setTimeout(10_000, () => reject(new Error(`no answer to ${head}`)));
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

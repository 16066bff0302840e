import { once } from "node:events";
import { statSync } from "node:fs";
import { createServer } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";

import {
  linesOf,
  load,
  program,
  startApi,
  temporaryFolder,
  until,
  workersOf,
} from "./start-api.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
let database = "";
beforeAll(async () => {
  database = await newDatabase();
});
afterAll(() => dropDatabase(database));

const start = (folder: string, ...args: string[]) =>
  startApi(["management", "--port", "0", "--data", folder, ...args], { DATABASE_URL: database });

describe("a service of several processes", () => {
  test.each([1, 2])(
    "of %i workers one that is killed under load loses nothing but the requests in flight on it",
    async (count) => {
      await using folder = await temporaryFolder();
      await using api = await start(folder.path, "--workers", String(count));
      const [victim = 0] = await until("the workers", () => {
        const workers = workersOf(api.child);
        return workers.length === count ? workers : undefined;
      });
      const clients = 8;
      const running = load(`${api.url}/readyz`, { clients, again: true });
      await until("answers", () => running.answered() > 200 || undefined);
      process.kill(victim, "SIGKILL");
      const before = running.answered();
      await until("its successor", () => {
        const workers = workersOf(api.child);
        return (workers.length === count && !workers.includes(victim)) || undefined;
      });
      await until("answers again", () => running.answered() > before + 200 || undefined);
      const { statuses, broken, lost } = await running.stop();
      expect(Object.keys(statuses)).toEqual(["200"]);
      expect(lost).toBe(0);
      expect(Object.keys(broken).every((it) => it === "ECONNRESET")).toBe(true);
      expect(broken["ECONNRESET"] ?? 0).toBeLessThanOrEqual(clients);
      expect(await api.end("SIGTERM")).toBe(0);
    },
  );

  test("SIGTERM under load fails no request, and leaves no process", async () => {
    await using folder = await temporaryFolder();
    await using api = await start(folder.path, "--workers", "2");
    const running = load(`${api.url}/livez`, { clients: 16, again: false });
    await until("answers", () => running.answered() > 500 || undefined);
    const workers = workersOf(api.child);
    expect(await api.end("SIGTERM")).toBe(0);
    await until("the end of the clients", () => running.ended() || undefined);
    const { statuses, broken } = await running.stop();
    expect(broken).toEqual({});
    expect(Object.keys(statuses)).toEqual(["200"]);
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("SIGHUP replaces every worker under load without a failed request", async () => {
    await using folder = await temporaryFolder();
    await using api = await start(folder.path, "--workers", "1");
    const [before = 0] = workersOf(api.child);
    const running = load(`${api.url}/readyz`, { clients: 8, again: true });
    await until("answers", () => running.answered() > 200 || undefined);
    api.child.kill("SIGHUP");
    await until("the new worker alone", () => {
      const workers = workersOf(api.child);
      return (workers.length === 1 && !workers.includes(before)) || undefined;
    });
    const { statuses, broken } = await running.stop();
    expect(Object.keys(statuses)).toEqual(["200"]);
    expect(broken).toEqual({});
  });

  test("a hung worker gets no more connections, is killed, and its pending connections are answered", async () => {
    await using folder = await temporaryFolder();
    await using api = await start(folder.path, "--workers", "2");
    const [victim = 0] = await until("the workers", () => {
      const workers = workersOf(api.child);
      return workers.length === 2 ? workers : undefined;
    });
    await until("both to serve", async () => {
      await fetch(`${api.url}/livez`, { headers: { connection: "close" } });
      const pids = new Set(linesOf(api.out()).map((line) => line["process.pid"]));
      return pids.size === 2 || undefined;
    });
    process.kill(victim, "SIGSTOP");
    let answered = 0;
    const sent = Array.from({ length: 10 }, async () => {
      const answer = await fetch(`${api.url}/livez`, { headers: { connection: "close" } });
      answered += 1;
      return answer.status;
    });
    await until(
      "the answers of all connections but those dispatched to the hung worker",
      () => answered >= 8 || undefined,
    );
    expect(await Promise.all(sent)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(workersOf(api.child)).not.toContain(victim);
    expect(api.err()).toContain(`process ${victim} of the management API does not respond`);
  }, 120_000);

  test("counters keep their values when a worker is replaced or killed", async () => {
    await using folder = await temporaryFolder();
    await using api = await start(folder.path, "--workers", "1");
    const get = (path: string): Promise<Response> =>
      fetch(`${api.url}${path}`, { headers: { connection: "close" } });
    const counted = async (): Promise<number> => {
      const text = await (await get("/metrics")).text();
      return Number(
        /requests_total\{method="GET",route="\/livez",status="200"\} (\d+)$/m.exec(text)?.[1],
      );
    };
    const [first = 0] = workersOf(api.child);
    for (let sent = 0; sent < 5; sent += 1) await get("/livez");
    api.child.kill("SIGHUP");
    const successor = await until("the new worker alone", () => {
      const workers = workersOf(api.child);
      return workers.length === 1 && !workers.includes(first) ? workers[0] : undefined;
    });
    expect(await counted()).toBe(5);
    await get("/livez");
    expect(await counted()).toBe(6);
    process.kill(successor, "SIGKILL");
    await until(
      "the end of that one",
      () => !workersOf(api.child).includes(successor) || undefined,
    );
    expect(await counted()).toBe(6);
  });

  test("metrics cover all workers, whichever is asked", async () => {
    await using folder = await temporaryFolder();
    await using api = await start(folder.path, "--workers", "2");
    const headers = { connection: "close", traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
    let sent = 0;
    await until("answers of both", async () => {
      expect((await fetch(`${api.url}/livez`, { headers })).status).toBe(200);
      sent += 1;
      const pids = new Set(linesOf(api.out()).map((line) => line["process.pid"]));
      return pids.size === 2 || undefined;
    });
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    const labels = String.raw`\{method="GET",route="/livez"`;
    expect(metrics).toMatch(new RegExp(`requests_total${labels},status="200"\\} ${sent}$`, "m"));
    expect(metrics).toMatch(new RegExp(`duration_seconds_count${labels}\\} ${sent}$`, "m"));
    expect(metrics).toMatch(/^quarterdeck_api_jobs_waiting \d+$/m);
    await api.end("SIGTERM");
    const lines = linesOf(api.out()).filter((line) => line["url.path"] === "/livez");
    expect(lines).toHaveLength(sent);
    for (const line of lines) {
      expect(line).toMatchObject({
        "trace.id": TRACE,
        "parent.id": "b7ad6b7169203331",
        "service.name": "management",
        "service.version": "0.1.0",
        "event.dataset": "management.access",
        "http.response.status_code": 200,
      });
    }
  });
});

describe("a start", () => {
  test("on a taken port fails with the port and what to do", async () => {
    await using folder = await temporaryFolder();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = String(typeof address === "object" && address ? address.port : 0);
    const args = ["api", "management", "--port", port, "--data", folder.path];
    await using started = program(args, { DATABASE_URL: database });
    await once(started.child, "close");
    expect(started.child.exitCode).toBe(1);
    expect(started.err()).toContain(`Port ${port} of 127.0.0.1 is taken`);
    expect(started.err()).toContain("--port");
    taken.close();
  });

  test("without its database fails with the reason", async () => {
    await using folder = await temporaryFolder();
    const args = ["api", "management", "--port", "0", "--data", folder.path];
    await using started = program(args, { DATABASE_URL: "postgres://u:secret@127.0.0.1:1/none" });
    await once(started.child, "close");
    expect(started.child.exitCode).toBe(1);
    expect(started.err()).toContain("DATABASE_URL names cannot be used");
    expect(started.err()).toContain("ECONNREFUSED");
    expect(started.err()).not.toContain("secret");
  });

  test("of something else than a service names the services", async () => {
    await using started = program(["api", "nothing"]);
    await once(started.child, "close");
    expect(started.child.exitCode).toBe(2);
    expect(started.err()).toContain("accounts, billing, management, logging, reporting");
  });

  test("a second time on one data folder shares database and root key with the first, and outlives it", async () => {
    await using folder = await temporaryFolder();
    const args = ["--port", "0", "--data", folder.path, "--workers", "1"];
    const env = { DATABASE_URL: "" };
    await using first = await startApi(["management", ...args], env);
    await using second = await startApi(["management", ...args], env);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    expect(statSync(`${folder.path}/api/root-key`).mode & 0o777).toBe(0o600);
    // The first has started PostgreSQL, and takes it along; the second starts it again.
    expect(await first.end("SIGTERM")).toBe(0);
    await until("the database again", async () => {
      return (await fetch(`${second.url}/readyz`)).status === 200 || undefined;
    });
    expect(await second.end("SIGTERM")).toBe(0);
  });
});

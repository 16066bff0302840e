import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";

import { startLoad } from "../harness/load.ts";
import { childrenOf, commandOf, workersOf } from "../harness/processes.ts";
import { startProgram, temporaryFolder, until } from "../harness/program.ts";
import { type RunningService, logLinesIn, startService } from "../harness/service.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
/** Health checks outside a trace are not in the access log. */
const TRACED = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
const Items = z.object({ items: z.array(z.unknown()) });
const environmentOf = (pid: number): string => readFileSync(`/proc/${pid}/environ`, "utf8");
let database = "";
beforeAll(async () => {
  database = await newDatabase();
});
afterAll(() => dropDatabase(database));

const start = (folder: string, ...args: string[]) =>
  startService(["management", "--port", "0", "--data", folder, ...args], {
    env: { DATABASE_URL: database },
  });

describe.each([1, 2])("a service of %i worker processes", (count) => {
  const stack = new AsyncDisposableStack();
  let api: RunningService;
  beforeAll(async () => {
    const folder = stack.use(await temporaryFolder());
    api = stack.use(await start(folder.path, "--workers", String(count)));
  });
  afterAll(() => stack.disposeAsync());

  /** The workers of the program, once all are running and none of the previous ones is left. */
  const workers = (before: readonly number[] = []): Promise<number[]> =>
    until(`${count} workers`, () => {
      const pids = workersOf(api.child);
      const complete = pids.length === count && !pids.some((pid) => before.includes(pid));
      return complete ? pids : undefined;
    });
  /** Uses a new connection, because a replaced worker closes its connections. */
  const get = (path: string, headers = {}): Promise<Response> =>
    fetch(`${api.url}${path}`, { headers: { ...headers, connection: "close" } });
  const counted = async (): Promise<number> => {
    const text = await (await get("/metrics")).text();
    const livez = /requests_total\{method="GET",route="\/livez",status="200"\} (\d+)$/m;
    return Number(livez.exec(text)?.[1] ?? 0);
  };

  test("killing one under load loses only its requests in flight", async () => {
    const [victim = 0] = await workers();
    const clients = 8;
    const load = startLoad(`${api.url}/readyz`, { clients, retry: true });
    await until("answers", () => load.answered() > 200);
    process.kill(victim, "SIGKILL");
    const before = load.answered();
    await workers([victim]);
    await until("answers again", () => load.answered() > before + 200);
    const { statuses, broken, lost } = await load.stop();
    expect(Object.keys(statuses)).toEqual(["200"]);
    expect(lost).toBe(0);
    expect(Object.keys(broken).every((it) => it === "ECONNRESET")).toBe(true);
    expect(broken["ECONNRESET"] ?? 0).toBeLessThanOrEqual(clients);
  });

  test("SIGHUP replaces every worker under load without a failed request", async () => {
    const before = await workers();
    const load = startLoad(`${api.url}/readyz`, { clients: 8, retry: true });
    await until("answers", () => load.answered() > 200);
    api.child.kill("SIGHUP");
    await workers(before);
    const { statuses, broken } = await load.stop();
    expect(Object.keys(statuses)).toEqual(["200"]);
    expect(broken).toEqual({});
  });

  test("counters keep their values when workers are replaced or killed", async () => {
    const before = await workers();
    const first = await counted();
    for (let sent = 0; sent < 5; sent += 1) await get("/livez");
    api.child.kill("SIGHUP");
    const successors = await workers(before);
    expect(await counted()).toBe(first + 5);
    await get("/livez");
    expect(await counted()).toBe(first + 6);
    for (const pid of successors) process.kill(pid, "SIGKILL");
    await until("their end", () => !workersOf(api.child).some((pid) => successors.includes(pid)));
    expect(await counted()).toBe(first + 6);
  });

  test("metrics cover all workers, whichever responds", async () => {
    await workers();
    const first = await counted();
    const lines = () => logLinesIn(api.stdout()).filter((line) => line["trace.id"] === TRACE);
    let sent = 0;
    await until("an answer of each worker", async () => {
      expect((await get("/livez", TRACED)).status).toBe(200);
      sent += 1;
      return new Set(lines().map((line) => line["process.pid"])).size === count;
    });
    expect(await counted()).toBe(first + sent);
    const metrics = await (await get("/metrics")).text();
    const durations = /duration_seconds_count\{method="GET",route="\/livez"\} (\d+)$/m;
    expect(Number(durations.exec(metrics)?.[1])).toBe(first + sent);
    expect(metrics).toMatch(/^quarterdeck_api_jobs_waiting \d+$/m);
    await until("a line for each request", () => lines().length === sent);
    for (const line of lines()) {
      expect(line).toMatchObject({
        "parent.id": "b7ad6b7169203331",
        "url.path": "/livez",
        "service.name": "management",
        "service.version": "0.1.0",
        "event.dataset": "management.access",
        "http.response.status_code": 200,
      });
    }
  });

  test("SIGTERM under load fails no request, and leaves no process", async () => {
    const pids = await workers();
    const load = startLoad(`${api.url}/livez`, { clients: 16, retry: false });
    await until("answers", () => load.answered() > 500);
    expect(await api.end("SIGTERM")).toBe(0);
    await until("the end of the clients", () => load.ended());
    const { statuses, broken } = await load.stop();
    expect(broken).toEqual({});
    expect(Object.keys(statuses)).toEqual(["200"]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

test("a hung worker gets no more connections, is killed, and its pending connections are served", async () => {
  await using folder = await temporaryFolder();
  await using api = await start(folder.path, "--workers", "2");
  const [victim = 0] = await until("the workers", () => {
    const workers = workersOf(api.child);
    return workers.length === 2 ? workers : undefined;
  });
  await until("both to serve", async () => {
    await fetch(`${api.url}/livez`, { headers: { connection: "close", ...TRACED } });
    const pids = new Set(logLinesIn(api.stdout()).map((line) => line["process.pid"]));
    return pids.size === 2;
  });
  process.kill(victim, "SIGSTOP");
  let answered = 0;
  const sent = Array.from({ length: 10 }, async () => {
    const response = await fetch(`${api.url}/livez`, { headers: { connection: "close" } });
    answered += 1;
    return response.status;
  });
  await until(
    "the answers of all connections but those dispatched to the hung worker",
    () => answered >= 8,
  );
  expect(await Promise.all(sent)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(workersOf(api.child)).not.toContain(victim);
  expect(api.stderr()).toContain(`process ${victim} of the management API does not respond`);
}, 120_000);

describe("a start", () => {
  test("on a taken port fails with the port and an instruction", async () => {
    await using folder = await temporaryFolder();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = String(typeof address === "object" && address ? address.port : 0);
    const args = ["api", "management", "--port", port, "--data", folder.path];
    await using started = startProgram(args, { env: { DATABASE_URL: database } });
    expect(await started.ended).toBe(1);
    expect(started.stderr()).toContain(`Port ${port} of 127.0.0.1 is in use`);
    expect(started.stderr()).toContain("choose another port");
    taken.close();
  });

  test("without its database fails with the reason", async () => {
    await using folder = await temporaryFolder();
    const args = ["api", "management", "--port", "0", "--data", folder.path];
    await using started = startProgram(args, {
      env: { DATABASE_URL: "postgres://u:secret@127.0.0.1:1/none" },
    });
    expect(await started.ended).toBe(1);
    expect(started.stderr()).toContain("of DATABASE_URL cannot be used");
    expect(started.stderr()).toContain("ECONNREFUSED");
    expect(started.stderr()).not.toContain("secret");
  });

  test("of an unknown service lists the services", async () => {
    await using started = startProgram(["api", "nothing"]);
    expect(await started.ended).toBe(2);
    expect(started.stderr()).toContain("accounts, billing, management, logging, reporting");
  });

  test("on the same data folder shares database and root key with the first one, and outlives it", async () => {
    await using folder = await temporaryFolder();
    const args = ["--port", "0", "--data", folder.path, "--workers", "1"];
    const options = { env: { DATABASE_URL: "" } };
    await using first = await startService(["management", ...args], options);
    await using second = await startService(["management", ...args], options);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    expect(statSync(`${folder.path}/api/root-key`).mode & 0o777).toBe(0o600);
    // The first has started PostgreSQL, which ends with it; the second starts it again.
    expect(await first.end("SIGTERM")).toBe(0);
    await until("the database again", async () => {
      return (await fetch(`${second.url}/readyz`)).status === 200;
    });
    expect(await second.end("SIGTERM")).toBe(0);
  });

  test("only Logging starts an indexer, which stores pushed events, is replaced when killed, and ends with it", async () => {
    await using folder = await temporaryFolder();
    const key = "root-key-of-the-tests-0123456789abcdef";
    const args = ["logging", "--port", "0", "--data", folder.path, "--workers", "1"];
    await using api = await startService(args, {
      env: { DATABASE_URL: database, API_ROOT_KEY: key },
    });
    const headers = { authorization: `Bearer ${key}` };
    const push = async (): Promise<number> => {
      const body = JSON.stringify({ "data_stream.dataset": "alone", message: "hello" });
      const json = { ...headers, "content-type": "application/json" };
      return (await fetch(`${api.url}/v1/logs`, { method: "POST", headers: json, body })).status;
    };
    const stored = async (): Promise<number> => {
      const found = await fetch(`${api.url}/v1/search?limit=10`, { headers });
      return Items.parse(await found.json()).items.length;
    };
    const indexer = (before = 0): Promise<number> =>
      until("the indexer", () =>
        childrenOf(api.child).find(
          (pid) => pid !== before && commandOf(pid).includes("standby-process"),
        ),
      );
    const first = await indexer();
    expect(await push()).toBe(202);
    await until("the pushed log", async () => (await stored()) === 1);
    process.kill(first, "SIGKILL");
    expect(await push()).toBe(202);
    await until("the log that was pushed meanwhile", async () => (await stored()) === 2);
    const second = await indexer(first);
    expect(environmentOf(second)).not.toContain(key);
    expect(await api.end("SIGTERM")).toBe(0);
    expect(commandOf(second)).toBe("");
  });
});

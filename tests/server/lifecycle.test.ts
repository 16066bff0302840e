import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";

import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { Board } from "#dashboards/api.ts";

import { numberedLine, numberedLines } from "../harness/access-log.ts";
import {
  type ControlPlane,
  createOwner,
  IS_BUILT,
  metricOf,
  postgresOf,
  startControlPlane,
} from "../harness/control-plane.ts";
import { isRunning, processesIn } from "../harness/processes.ts";
import { runProgram, temporaryFolder, until } from "../harness/program.ts";

const Answer = z.object({ series: z.array(z.object({ value: z.number().nullable() })) });

/** The value of a metric over all stored events, by `quarterdeck query`. */
async function query(data: string, metric: string, ...more: string[]): Promise<number> {
  const { code, output } = await runProgram(["query", metric, "--json", "--data", data, ...more]);
  if (code !== 0) throw new Error(`query ${metric}: ${output}`);
  return Answer.parse(JSON.parse(output)).series[0]?.value ?? 0;
}

async function boardOf(server: ControlPlane, cookie: string, range = ""): Promise<Board> {
  const response = await server.get(`/api/board${range}`, cookie);
  return Board.parse(await response.json());
}

/** Appends some 20,000 numbered lines a second; `stop` resolves with their number. */
function writeAtSpeed(file: string): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const writing = (async () => {
    let written = 0;
    while (!stopping.signal.aborted) {
      const nowMs = Date.now();
      const lines = Array.from({ length: 100 }, (_, i) => numberedLine(written + i, nowMs));
      await appendFile(file, lines.join(""));
      written += lines.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return written;
  })();
  return {
    stop() {
      stopping.abort();
      return writing;
    },
  };
}

describe.runIf(IS_BUILT)("the lifecycle of a server", () => {
  test("the board and the terminal show the exact numbers of an ingested file", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, `${numberedLines(1_000)}no log line at all\n`);
    expect((await runProgram(["ingest", log, "--data", data])).code).toBe(0);
    await using server = await startControlPlane(["--data", data, log]);
    const cookie = await createOwner(server);
    const first = await boardOf(server, cookie);
    expect(first.datasets).toContainEqual(
      expect.objectContaining({ dataset: "nginx.access", rows: 1_000 }),
    );
    const { fromMs = 0, toMs = 0 } = first.datasets.find((it) => it.rows === 1_000) ?? {};
    const board = await boardOf(server, cookie, `?from=${fromMs}&to=${toMs + 1}`);
    expect(board.values).toMatchObject({ requests: 1_000, errors: 100, bytes_sent: 12_000 });
    const range = ["--from", String(fromMs), "--to", String(toMs + 1)];
    expect(await query(data, "requests", ...range)).toBe(board.values["requests"]);
    expect(await query(data, "errors", ...range)).toBe(board.values["errors"]);
    expect(await query(data, "error_ratio", ...range)).toBe(board.values["error_ratio"]);
    expect(await query(data, "users_connected", ...range)).toBe(board.values["users_connected"]);
    expect(await query(data, "events", "--dataset", "quarterdeck.quarantine")).toBe(1);
  });

  test(
    "after kill -9 under load every line is stored once, and no process is left",
    { timeout: 180_000 },
    async () => {
      await using folder = await temporaryFolder();
      const data = `${folder.path}/data`;
      const log = `${folder.path}/access.log`;
      await writeFile(log, "");
      const writer = writeAtSpeed(log);
      for (let round = 0; round < 2; round += 1) {
        const server = await startControlPlane(["--data", data, log]);
        const before = await linesReadBy(server);
        await until("lines that are read", async () => (await linesReadBy(server)) > before);
        const { process: postgres } = postgresOf(data);
        await server.end("SIGKILL");
        await until("the end of PostgreSQL", () => !isRunning(postgres.pid));
      }
      const written = await writer.stop();
      await using server = await startControlPlane(["--data", data, log]);
      await until("all lines", async () => (await query(data, "requests")) >= written);
      expect(await query(data, "requests")).toBe(written);
      expect(await places(data)).toBe(written);
      expect(server.child.exitCode).toBeNull();
    },
  );

  test("SIGTERM under load stops all processes within seconds, and loses nothing", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const writer = writeAtSpeed(log);
    const server = await startControlPlane(["--data", data, log]);
    await until("lines", async () => (await linesReadBy(server)) > 0);
    const { process: postgres } = postgresOf(data);
    // Above the limit of `end` it would have been killed.
    expect(await server.end("SIGTERM")).toBe(0);
    expect(isRunning(postgres.pid)).toBe(false);
    const written = await writer.stop();
    expect((await runProgram(["ingest", log, "--data", data])).code).toBe(0);
    expect(await query(data, "requests")).toBe(written);
  });

  test("when the readers of its output have exited, the control plane goes on, and stops on SIGTERM", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const warn = `process.on("SIGUSR2",()=>console.error("a-warning"))`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(warn)}` };
    const server = await startControlPlane(["--data", data], { env });
    const { process: postgres } = postgresOf(data);
    server.child.stderr?.destroy();
    server.child.stdout?.destroy();
    server.child.kill("SIGUSR2");
    expect((await server.get("/livez")).status).toBe(200);
    expect(await server.end("SIGTERM")).toBe(0);
    expect(isRunning(postgres.pid)).toBe(false);
  });

  test("a second start is refused with the URL of the first, and its log files are not remembered; a crashed one does not block it", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, numberedLines(10));
    await using first = await startControlPlane(["--data", data, log]);
    const other = `${folder.path}/other.log`;
    const second = await runProgram(["start", "--port", "0", "--data", data, other]);
    expect(second.code).toBe(1);
    expect(second.output).toContain(
      `A control plane is already running on ${data}: open ${first.url}`,
    );
    await first.end("SIGKILL");
    // Its pid may belong to another process by now.
    for (const name of readdirSync(`${data}/locks`).filter((it) => it.endsWith(".holder"))) {
      const holder = readFileSync(`${data}/locks/${name}`, "utf8");
      const pid = `"pid":${String(first.child.pid)},`;
      await writeFile(`${data}/locks/${name}`, holder.replace(pid, `"pid":${process.pid},`));
    }
    await using third = await startControlPlane(["--data", data]);
    expect(third.output()).toContain(`Tailing ${log}`);
  });

  test("if the port is in use, the next free one is used and printed", async () => {
    await using folder = await temporaryFolder();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await writeFile(`${folder.path}/a.log`, numberedLines(10));
    const args = ["--data", `${folder.path}/data`, "--port", String(port), `${folder.path}/a.log`];
    await using server = await startControlPlane(args);
    expect(Number(new URL(server.url).port)).toBeGreaterThan(port);
    expect(server.output()).toMatch(new RegExp(`Port ${port} is in use: using \\d+`));
    taken.close();
  });

  test("when PostgreSQL exits, readiness and pages report it, and the control plane keeps running", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    await writeFile(`${folder.path}/a.log`, numberedLines(10));
    await using server = await startControlPlane(["--data", data, `${folder.path}/a.log`]);
    const cookie = await createOwner(server);
    expect((await server.get("/readyz")).status).toBe(200);
    process.kill(postgresOf(data).process.pid, "SIGKILL");
    await until("what readyz says", async () => (await server.get("/readyz")).status === 503);
    expect((await server.get("/livez")).status).toBe(200);
    const board = await server.get("/api/board", cookie);
    expect(board.status).toBe(503);
    expect(await board.text()).toContain("The database does not respond");
    expect((await server.get("/", cookie)).status).toBe(503);
    // Although it runs again after a second.
    await until("the problem in the log", () =>
      /problem-started[^\n]*"database"|"database"[^\n]*problem-started/.test(
        readFileSync(`${data}/logs/quarterdeck.log`, "utf8"),
      ),
    );
    expect(await server.end("SIGTERM")).toBe(0);
    await using next = await startControlPlane(["--data", data]);
    expect((await next.get("/api/board", cookie)).status).toBe(200);
  });

  test("turning the demo off continues with the real logs and leaves no process", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, numberedLines(50));
    await (await startControlPlane(["--data", data, log])).end("SIGTERM");
    await using server = await startControlPlane(["--data", data, "--demo"]);
    const cookie = await createOwner(server);
    expect((await boardOf(server, cookie)).demo).toBe(true);
    expect(processesIn(`${data}/demo`, server.child).length).toBeGreaterThan(0);
    const off = () => fetch(`${server.url}/api/demo`, { method: "DELETE", headers: { cookie } });
    expect((await off()).status).toBe(204);
    expect((await off()).status).toBe(409);
    await until(
      "the end of the demo",
      () => processesIn(`${data}/demo`, server.child).length === 0,
    );
    expect(existsSync(`${data}/demo`)).toBe(false);
    expect((await boardOf(server, cookie)).demo).toBe(false);
    await until("the real lines", async () =>
      (await boardOf(server, cookie)).datasets.some(({ rows }) => rows === 50),
    );
    expect(await query(data, "requests")).toBe(50);
  }, 90_000);

  test("a replay at 600 times its speed is live, has current times, and ends", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/old.log`;
    await writeFile(log, numberedLines(1_200, Date.UTC(2020, 1, 1)));
    await using server = await startControlPlane(["--data", data, log], {
      command: ["replay", "--speed", "600"],
    });
    const cookie = await createOwner(server);
    await until("all of the replay", async () => {
      const board = await boardOf(server, cookie);
      return board.datasets.some(({ rows }) => rows === 1_200);
    });
    const [extent] = (await boardOf(server, cookie)).datasets;
    expect(extent?.fromMs).toBeGreaterThan(Date.now() - 120_000);
    expect(await linesReadBy(server)).toBe(1_200);
    expect((await server.get("/readyz")).status).toBe(200);
  });
});

const linesReadBy = (server: ControlPlane): Promise<number> =>
  metricOf(server, "quarterdeck_lines_read_total");

/** Number of distinct lines in all segments of the store. */
async function places(data: string): Promise<number> {
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  try {
    const found = await connection.runAndReadAll(
      `SELECT count(DISTINCT "url.original")::INT FROM read_parquet('${data}/store/events/*.parquet', union_by_name = true)`,
    );
    return Number(found.getRows()[0]?.[0]);
  } finally {
    connection.closeSync();
    duck.closeSync();
  }
}

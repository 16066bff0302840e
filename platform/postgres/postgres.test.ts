import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { TEST_TIMES } from "../lease/testing-holder.ts";
import { containedPid, IN_CONTAINER, MAY_UNSHARE } from "../lease/testing-namespaces.ts";
import { silentLog } from "../log.ts";
import type { Database } from "./database.ts";
import { nobody } from "./identity.ts";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./open.ts";
import { servesCluster } from "./postmaster.ts";

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), "qd data 'n' "));
  folders.push(folder);
  return folder;
};
const open = (dataFolder: string): Promise<Database> =>
  openPostgres({ dataFolder, databaseUrl: undefined, log: silentLog() });
const postmasterPid = (folder: string): number =>
  Number(
    readFileSync(path.join(folder, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n")[0],
  );
const isAlive = (pid: number, folder: string): boolean =>
  servesCluster(pid, path.join(folder, "postgres", "cluster"));
const isServing = (folder: string): boolean =>
  existsSync(path.join(folder, "postgres", "cluster", "postmaster.pid"));
const until = async (condition: () => boolean): Promise<void> =>
  expect.poll(condition, { timeout: 20_000, interval: 20 }).toBe(true);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe("one server", () => {
  let folder = "";
  let database: Database;
  beforeAll(async () => {
    folder = newFolder();
    database = await open(folder);
  });
  afterAll(() => database.close());

  test("commits are flushed to disk, and only the owner can read the folder", async () => {
    const [row] = await database.query(
      "SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS listens",
    );
    expect(row).toEqual({ fsync: "on", listens: "127.0.0.1" });
    expect(statSync(path.join(folder, "postgres")).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, "postgres", "password")).mode & 0o777).toBe(0o600);
  });

  test("connections without the password are rejected", async () => {
    const [row] = await database.query("SELECT current_setting('port') AS port");
    const databaseUrl = `postgres://quarterdeck:guess@127.0.0.1:${String(row?.["port"])}/postgres`;
    await expect(
      openPostgres({ dataFolder: folder, databaseUrl, log: silentLog() }),
    ).rejects.toThrow(/of DATABASE_URL cannot be used: password authentication failed/);
  });

  test("a transaction is atomic, and its connection can be used afterwards", async () => {
    await database.query("CREATE TABLE things (id int PRIMARY KEY)");
    const failing = database.transaction(async (transaction) => {
      await transaction.query("INSERT INTO things VALUES ($1)", [1]);
      await transaction.query("INSERT INTO things VALUES ($1)", [1]);
    });
    await expect(failing).rejects.toThrow(/duplicate key/);
    expect(await database.query("SELECT * FROM things")).toEqual([]);
    await database.transaction((transaction) =>
      transaction.query("INSERT INTO things VALUES ($1)", [2]),
    );
    expect(await database.query("SELECT id FROM things")).toEqual([{ id: 2 }]);
  });

  test("migrations are applied once and in order, even if several processes start at the same time", async () => {
    const steps = {
      module: "test",
      migrations: [
        { id: "1-create", sql: "CREATE TABLE colours (name text)" },
        { id: "2-fill", sql: "INSERT INTO colours VALUES ('blue')" },
      ],
    };
    const runs = await Promise.all([1, 2, 3].map(() => migrate(database, [steps])));
    expect(runs.flatMap((run) => run.applied)).toEqual(["test/1-create", "test/2-fill"]);
    expect(await database.query("SELECT name FROM colours")).toEqual([{ name: "blue" }]);
    const edited = { module: "test", migrations: [{ id: "1-create", sql: "SELECT 1" }] };
    await expect(migrate(database, [edited])).rejects.toThrow(/test\/1-create was changed/);
  });

  test("a failed migration is rolled back with its whole run", async () => {
    const steps = {
      module: "broken",
      migrations: [
        { id: "1", sql: "CREATE TABLE half (id int)" },
        { id: "2", sql: "CREATE TABLE nonsense (" },
      ],
    };
    await expect(migrate(database, [steps])).rejects.toThrow(/syntax error/);
    expect(await database.query("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
  });

  test("a second process on the folder uses the same server and does not stop it", async () => {
    await database.query("CREATE TABLE kept AS SELECT 1 AS id");
    const child = await starter(folder);
    await child.ended;
    expect(child.output()).toContain("kept=1");
    expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

test("a server whose owner was killed stops by itself, and the next start has all data", async () => {
  const folder = newFolder();
  const first = await starter(folder, "wait");
  await until(() => first.output().includes("ready"));
  const server = postmasterPid(folder);
  first.kill();
  await first.ended;
  await until(() => !isAlive(server, folder));
  const database = await open(folder);
  expect(await database.query("SELECT count(*) AS n FROM kept")).toEqual([{ n: 1 }]);
  await database.close();
  const left = readdirSync(path.join(folder, "postgres"));
  expect(left.filter((name) => /lease|holder|server\.json/.test(name))).toEqual([]);
});

test("an orphaned server is stopped by the next start, and a stale pid file is ignored", async () => {
  const folder = newFolder();
  const first = await starter(folder, "wait");
  await until(() => first.output().includes("ready"));
  const server = postmasterPid(folder);
  // Suspended, neither can react: the owner is dead and its server still exists when the next one starts.
  process.kill(postmasterPid(folder), "SIGSTOP");
  first.kill();
  await first.ended;
  process.kill(postmasterPid(folder), "SIGCONT");
  const second = await open(folder);
  expect(isAlive(server, folder)).toBe(false);
  expect(await second.query("SELECT count(*) AS n FROM kept")).toEqual([{ n: 1 }]);
  await second.close();

  const stranger = spawn("sleep", ["60"]);
  writeFileSync(path.join(folder, "postgres", "cluster", "postmaster.pid"), `${stranger.pid}\n`);
  const third = await open(folder);
  expect(stranger.kill()).toBe(true);
  expect(await third.query("SELECT count(*) AS n FROM kept")).toEqual([{ n: 1 }]);
  await third.close();
});

describe.runIf(MAY_UNSHARE)("in two containers on one data folder", () => {
  test("both use one server, and a later container takes over its files", async () => {
    const folder = newFolder();
    const first = await starter(folder, "wait", IN_CONTAINER);
    await until(() => first.output().includes("ready"));
    const pid = postmasterPid(folder);
    const second = await starter(folder, "leave", IN_CONTAINER);
    await second.ended;
    expect(second.output()).toContain("kept=1");
    expect(postmasterPid(folder)).toBe(pid);
    first.kill();
    await first.ended;
    const third = await starter(folder, "leave", IN_CONTAINER);
    await third.ended;
    expect(third.output()).toContain("kept=1");
  });

  test("a server whose owner is suspended is stopped before another container starts one", async () => {
    const folder = newFolder();
    const first = await starter(folder, "wait", IN_CONTAINER);
    await until(() => first.output().includes("ready"));
    const cluster = path.join(folder, "postgres", "cluster");
    const serving = (): number[] =>
      readdirSync("/proc")
        .map(Number)
        .filter((pid) => pid > 0 && servesCluster(pid, cluster));
    const before = serving();
    expect(before).not.toEqual([]);
    first.suspend();
    const second = await starter(folder, "wait", IN_CONTAINER);
    await until(() => second.output().includes("ready"));
    expect(serving().filter((pid) => before.includes(pid))).toEqual([]);
    const now = serving();
    first.resume();
    await until(() => first.output().includes("lost"));
    expect(serving()).toEqual(now);
    second.kill();
    await second.ended;
    first.kill();
    await first.ended;
  });
});

test("a killed server is restarted on the same port", async () => {
  const folder = newFolder();
  const database = await open(folder);
  try {
    await database.query("CREATE TABLE kept (id int)");
    const killed = postmasterPid(folder);
    process.kill(killed, "SIGKILL");
    await until(() => isServing(folder) && postmasterPid(folder) !== killed);
    await expect
      .poll(() => database.query("SELECT count(*) AS n FROM kept").catch(() => undefined), {
        timeout: 20_000,
      })
      .toEqual([{ n: 0 }]);
  } finally {
    await database.close();
  }
  await until(() => !isServing(folder));
});

test("a damaged file of the running server is named with what to do, and does not disturb the server", async () => {
  const folder = newFolder();
  const database = await open(folder);
  const file = path.join(folder, "postgres", "server.json");
  for (const damage of ["", "{", "null"]) {
    writeFileSync(file, damage);
    const message = /server\.json is (empty|damaged).+ Stop the Quarterdeck .+ start it again/;
    await expect(open(folder)).rejects.toThrow(message);
  }
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.close();
  writeFileSync(file, "");
  const again = await open(folder);
  expect(await again.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await again.close();
});

test("an incomplete cluster left by a crash is created again", async () => {
  const folder = newFolder();
  const half = path.join(folder, "postgres", "cluster.new");
  const database = await open(folder);
  await database.close();
  rmSync(path.join(folder, "postgres", "cluster"), { recursive: true });
  rmSync(path.join(folder, "postgres", "password"));
  writeFileSync(half, "half");
  const again = await open(folder);
  expect(await again.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await again.close();
});

test("the ids of nobody come from the machine, and are never those of root", () => {
  expect(nobody("root:x:0:0::/root:/bin/sh\nnobody:x:99:98::/:/bin/false\n")).toEqual({
    uid: 99,
    gid: 98,
  });
  expect(nobody("nobody:x:0:0::/:/bin/sh")).toEqual({ uid: 65_534, gid: 65_534 });
});

/** Another process that opens the database of a folder, prints its content, and with `wait` waits to be killed. */
async function starter(folder: string, mode = "leave", prefix: readonly string[] = []) {
  const script = `
    import { silentLog } from "#platform/log.ts";
    import { poolDatabase } from "#platform/postgres/database.ts";
    import { startEmbedded } from "#platform/postgres/embedded.ts";
    const [folder, mode, times] = process.argv.slice(1);
    const server = await startEmbedded(folder, JSON.parse(times));
    const database = poolDatabase(server.url, { onError: () => undefined, afterClose: () => server.stop() });
    if (mode === "wait") {
      await database.query("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS id");
      console.log("ready");
      setInterval(() => server.isCurrent() || console.log("lost"), 100);
    } else {
      const rows = await database.query("SELECT count(*) AS n FROM kept");
      console.log("kept=" + rows[0].n);
      await database.close();
    }`;
  const args = ["--input-type=module", "-e", script, folder, mode, JSON.stringify(TEST_TIMES)];
  const [command = "", ...rest] = [...prefix, process.execPath, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "exit");
  await once(child, "spawn");
  const pid = (): number => (prefix.length > 0 ? containedPid(child.pid ?? 0) : (child.pid ?? 0));
  return {
    ended,
    output: () => output,
    kill: () => process.kill(pid(), "SIGKILL"),
    suspend: () => process.kill(pid(), "SIGSTOP"),
    resume: () => process.kill(pid(), "SIGCONT"),
  };
}

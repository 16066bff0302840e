import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import { afterAll, describe, expect, test } from "vitest";

import { contendForLease, findHolder, livingTokens, tryLease } from "./lease.ts";
import { ownIdentity } from "./process-identity.ts";
import { startHolder, TEST_TIMES } from "./testing-holder.ts";
import { IN_CONTAINER, MAY_UNSHARE } from "./testing-namespaces.ts";

const ON_HOST = (host: string): string[] => [
  "unshare",
  "--uts",
  "--fork",
  "--kill-child",
  "sh",
  "-c",
  `hostname ${host} && exec "$@"`,
  "sh",
];

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((it) => rm(it, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck lease "));
  folders.push(folder);
  return folder;
}

const take = (folder: string, name = "test") => tryLease(folder, name, TEST_TIMES);

/** Used instead of expect.poll, which concurrent tests cannot share. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

/** Creates the files of a process that was killed while it held the lease. */
function leftBehind(folder: string, record: string): void {
  const token = "0123456789abcdef01234567";
  mkdirSync(join(folder, "test.lease"), { recursive: true });
  writeFileSync(join(folder, "test.lease", token), "");
  writeFileSync(join(folder, `${token}.holder`), record);
}
const recordOf = (process: object): string =>
  JSON.stringify({ process: { ...ownIdentity(), ...process }, sinceMs: 0 });

describe("within one process", () => {
  test("of many concurrent attempts one gets the lease, and its release leaves no files", async () => {
    const folder = await newFolder();
    const leases = await Promise.all(Array.from({ length: 20 }, () => take(folder)));
    const held = leases.filter((it) => it !== undefined);
    expect(held).toHaveLength(1);
    expect(held[0]?.isHeld()).toBe(true);
    expect(await held[0]?.confirm()).toBe(true);
    await held[0]?.release();
    expect(held[0]?.isHeld()).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await using again = await take(folder);
    expect(again).toBeDefined();
  });

  test("leases of different names are independent, and share one heartbeat", async () => {
    const folder = await newFolder();
    await using one = await take(folder, "one");
    const other = await take(folder, "other");
    expect(other?.token).toBe(one?.token);
    expect((await readdir(folder)).filter((it) => it.endsWith(".holder"))).toHaveLength(1);
    await other?.release();
    expect(one?.isHeld()).toBe(true);
    expect(await take(folder, "one")).toBeUndefined();
  });

  test("a holder is found with its host, process and time, without changing the folder", async () => {
    const folder = await newFolder();
    expect(findHolder(folder, "test")).toBeUndefined();
    await using lease = await take(folder);
    const before = readdirSync(folder, { recursive: true });
    expect(findHolder(folder, "test")).toMatchObject({
      token: lease?.token,
      isCertain: true,
      record: { process: ownIdentity() },
    });
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test("a lease held by another thread is respected, and taken over after the thread was terminated", async () => {
    const folder = await newFolder();
    const program = `
      import { parentPort, workerData } from "node:worker_threads";
      import { tryLease } from ${JSON.stringify(new URL("lease.ts", import.meta.url).href)};
      const lease = await tryLease(workerData.folder, "test", workerData.times);
      setInterval(() => undefined, 1000);
      parentPort.postMessage(lease !== undefined);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      workerData: { folder, times: TEST_TIMES },
      execArgv: [],
    });
    const taken = new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    expect(await taken).toBe(true);
    expect(await contendForLease(folder, "test", { times: TEST_TIMES })).toHaveProperty("holder");
    await worker.terminate();
    await until(async () => (await take(folder)) !== undefined);
  });
});

describe.concurrent("the files of a dead process", () => {
  test.each([
    ["of a process that has ended", recordOf({ pid: 2 ** 22 - 1 })],
    ["with a pid that another process has now", recordOf({ pid: process.ppid, startTime: "1" })],
    ["of an earlier process with the pid of this one", recordOf({ startTime: "1" })],
  ])("a lease %s is taken over at once", async (_name, record) => {
    const folder = await newFolder();
    leftBehind(folder, record);
    await using lease = await take(folder);
    expect(lease).toBeDefined();
    expect(await readdir(folder)).toHaveLength(2);
  });

  test.each([
    ["that a crash truncated", '{"process":'],
    ["that is empty", ""],
    ["of another host", recordOf({ host: "elsewhere" })],
    ["of this host before a restart", recordOf({ bootId: "before" })],
    ["of another PID namespace", recordOf({ pidNamespace: "pid:[1]" })],
  ])("a lease %s is taken over only after missed heartbeats", async (_name, record) => {
    const folder = await newFolder();
    leftBehind(folder, record);
    const startMs = performance.now();
    expect(await take(folder)).toBeUndefined();
    expect(findHolder(folder, "test", TEST_TIMES)?.isCertain).toBe(false);
    const found = await contendForLease(folder, "test", { times: TEST_TIMES });
    expect(found).toHaveProperty("lease");
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(TEST_TIMES.staleMs);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test("a lease without a holder, and one with foreign files in it, are free", async () => {
    const folder = await newFolder();
    await mkdir(join(folder, "test.lease"));
    await writeFile(join(folder, "test.lease", "notes.txt"), "");
    await using lease = await take(folder);
    expect(lease).toBeDefined();
  });

  test("the files of dead holders are removed on request, and those of living holders are kept", async () => {
    const folder = await newFolder();
    leftBehind(folder, recordOf({ pid: 2 ** 22 - 1 }));
    await using lease = await take(folder, "mine");
    expect([...(await livingTokens(folder, TEST_TIMES))]).toEqual([lease?.token]);
    expect((await readdir(folder)).toSorted()).toEqual(
      [`${lease?.token}.holder`, "mine.lease"].toSorted(),
    );
  });
});

describe("a folder that cannot be used", () => {
  test("a file in place of the folder is an error until it is removed", async () => {
    const folder = join(await newFolder(), "file");
    await writeFile(folder, "in the way");
    await expect(take(folder)).rejects.toThrow(/EEXIST|ENOTDIR/);
    await rm(folder);
    await using lease = await take(folder);
    expect(lease).toBeDefined();
  });

  test("a holder whose folder was deleted has lost its lease, and may take it again at once", async () => {
    const folder = join(await newFolder(), "deleted");
    await using lease = await take(folder);
    await rm(folder, { recursive: true });
    expect(await lease?.confirm()).toBe(false);
    expect(lease?.isHeld()).toBe(false);
    expect(lease?.lost.aborted).toBe(true);
    await using again = await take(folder);
    expect(again?.isHeld()).toBe(true);
  });

  test("a deleted folder is detected, and does not prevent the next lease", async () => {
    const folder = join(await newFolder(), "deleted");
    await using lease = await take(folder);
    await rm(folder, { recursive: true });
    await using next = await take(folder, "next");
    expect(next?.isHeld()).toBe(true);
    await until(() => lease?.lost.aborted === true);
  });
});

describe.concurrent("between processes", () => {
  test("of many processes that start at the same time after a crash exactly one takes over", async () => {
    const folder = await newFolder();
    const contenders = await Promise.all(Array.from({ length: 6 }, () => startHolder(folder)));
    await using stack = new AsyncDisposableStack();
    for (const it of contenders) stack.use(it);
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(contenders.map((it) => it.ask("try")));
      const winners = contenders.filter((_, index) => answers[index] === true);
      expect(winners).toHaveLength(1);
      expect(await winners[0]?.ask("confirm")).toBe(true);
      await winners[0]?.ask("release");
      leftBehind(folder, recordOf({ pid: 2 ** 22 - 1 }));
    }
  });

  test("a flipped bit in its file neither ends a living holder nor keeps the lease of a dead one", async () => {
    const folder = await newFolder();
    await using holder = await startHolder(folder);
    expect(await holder.ask("try")).toBe(true);
    const name = (await readdir(folder)).find((it) => it.endsWith(".holder"));
    const path = join(folder, name ?? "");
    const intact = readFileSync(path);
    for (let bit = 0; bit < intact.length * 8; bit += 1) {
      const flipped = Buffer.from(intact);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      writeFileSync(path, flipped);
      expect(findHolder(folder, "test", TEST_TIMES), `bit ${bit}`).toBeDefined();
    }
    expect(await take(folder)).toBeUndefined();
    expect(await holder.ask("confirm")).toBe(true);
    await holder.kill();
    await until(async () => (await take(folder)) !== undefined);
  });

  test("a killed holder is replaced at once, and a living one is returned", async () => {
    const folder = await newFolder();
    await using first = await startHolder(folder);
    expect(await first.ask("try")).toBe(true);
    const found = await contendForLease(folder, "test", { times: TEST_TIMES });
    expect(found).toMatchObject({ holder: { record: { process: { pid: first.pid() } } } });
    await first.kill();
    await using lease = await take(folder);
    expect(lease).toBeDefined();
  });

  test("a suspended holder keeps its lease if its process is visible", async () => {
    const folder = await newFolder();
    await using first = await startHolder(folder);
    await first.ask("try");
    first.signal("SIGSTOP");
    const startMs = performance.now();
    await until(() => performance.now() - startMs > TEST_TIMES.staleMs * 1.2);
    expect(await take(folder)).toBeUndefined();
    first.signal("SIGCONT");
    expect(await first.ask("confirm")).toBe(true);
    expect(await first.ask("held")).toBe(true);
  });
});

describe.runIf(MAY_UNSHARE).concurrent("between containers and hosts", () => {
  test.each([
    ["PID and IPC namespaces", IN_CONTAINER],
    ["PID namespaces without their own /proc", IN_CONTAINER.filter((it) => it !== "--mount-proc")],
    ["host names", ON_HOST("one")],
  ])(
    "in different %s one process holds the lease, the other one finds the holder, and a killed holder is replaced",
    async (_name, prefix) => {
      const folder = await newFolder();
      await using first = await startHolder(folder, { prefix });
      await using second = await startHolder(folder, {
        prefix: prefix.map((it) => it.replace("hostname one", "hostname two")),
      });
      expect(await first.ask("contend")).toBe(true);
      const record = await first.ask("find");
      expect(await second.ask("contend")).toEqual(record);
      expect(await contendForLease(folder, "test", { times: TEST_TIMES })).toMatchObject({
        holder: { record },
      });
      await first.kill();
      await until(async () => (await second.ask("contend")) === true);
      expect(await second.ask("held")).toBe(true);
      await second.ask("release");
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test("a suspended holder loses the lease to another container, and detects it before it writes", async () => {
    const folder = await newFolder();
    await using first = await startHolder(folder, { prefix: IN_CONTAINER });
    await using second = await startHolder(folder, { prefix: IN_CONTAINER });
    await first.ask("try");
    first.signal("SIGSTOP");
    expect(await second.ask("contend")).toBe(true);
    first.signal("SIGCONT");
    expect(await first.ask("held")).toBe(false);
    expect(await first.ask("confirm")).toBe(false);
    expect(await first.ask("lost")).toBe(true);
    await first.ask("release");
    expect(await second.ask("confirm")).toBe(true);
    expect(await first.ask("try")).toBe(false);
  });

  test("a suspended holder keeps the lease if nobody else takes it", async () => {
    const folder = await newFolder();
    await using first = await startHolder(folder, { prefix: IN_CONTAINER });
    await first.ask("try");
    first.signal("SIGSTOP");
    const startMs = performance.now();
    await until(() => performance.now() - startMs > TEST_TIMES.staleMs);
    first.signal("SIGCONT");
    expect(await first.ask("confirm")).toBe(true);
    expect(await first.ask("held")).toBe(true);
    expect(await take(folder)).toBeUndefined();
  });
});

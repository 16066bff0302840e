import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";
import { tryLease } from "#platform/lease/lease.ts";
import { IN_CONTAINER, MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";

import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import { newSegmentId } from "./segment-id.ts";
import { leasesIn } from "./store-writer.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OPENED = 100;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck containers "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  await store.append(batchOf([{}]), [], positionsAt(0));
  return folder;
}

/** Runs the body, with the store's folder as `folder`, in another process with its own PID and IPC namespaces. */
function inContainer(folder: string, body: string, wrapper: readonly string[] = []): ChildProcess {
  const program = `
    import { Batch } from "#collectors/batch.ts";
    import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
    const [folder] = process.argv.slice(1);
    const clock = { nowMs: () => Date.now() };
    const open = () => openEmbeddedStore({ folder, clock, threads: 1 });
    ${body}`;
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", program, folder];
  const [command, ...options] = IN_CONTAINER;
  return spawn(command, [...options, ...wrapper, process.execPath, ...flags], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** A read-only mount of the folder, so that a reader cannot change anything. */
const readOnly = (folder: string): string[] => [
  "sh",
  "-c",
  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
  folder,
];

const READ = `
  for (let i = 0; i < ${OPENED}; i += 1) {
    const store = await open();
    const { problems } = await store.status();
    if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join());
    await store[Symbol.asyncDispose]();
  }`;
const MERGE = `{ await using store = await open(); await store.compact(); }`;

/** Appends numbered events until stdin is closed, then prints their number. */
const WRITE = `
  let isEnding = false;
  process.stdin.resume().once("end", () => (isEnding = true));
  const store = await open();
  let next = 0;
  for (; !isEnding; next += 1) {
    const batch = new Batch(1);
    batch.number("@timestamp").put(0, Date.now());
    batch.commit();
    const cell = { levelS: 60, t: 0, dataset: "", measure: "events", key: "", value: 1 };
    await store.append(batch, [cell], new Map([["src_writer", { offset: next }]]));
    if (next % 20 === 0) await store.compact();
    if (next === 0) console.log("writing");
  }
  await store[Symbol.asyncDispose]();
  console.log("written " + next);`;

async function ended(child: ChildProcess): Promise<number | null> {
  child.stdin?.end();
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}

const filesOf = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String);

describe.runIf(MAY_UNSHARE)("in different containers", () => {
  test("readers change nothing, and a merge keeps the incomplete files of a living writer", async () => {
    const folder = await newFolder();
    const lease = await tryLease(leasesIn(folder), "writer-test");
    const id = newSegmentId(systemClock.nowMs(), lease?.token ?? "");
    const own = [
      join(folder, "tmp", `${lease?.token}-1.parquet`),
      join(folder, "rollups", `${id}.parquet`),
    ];
    const abandoned = join(folder, "tmp", `${"0".repeat(24)}-1.parquet`);
    for (const path of [...own, abandoned]) writeFileSync(path, "incomplete");
    const before = filesOf(folder);
    expect(await ended(inContainer(folder, READ, readOnly(folder)))).toBe(0);
    expect(filesOf(folder)).toEqual(before);
    expect(await ended(inContainer(folder, MERGE))).toBe(0);
    expect(own.map((path) => existsSync(path))).toEqual([true, true]);
    expect(existsSync(abandoned)).toBe(false);
    await lease?.release();
    expect(await ended(inContainer(folder, MERGE))).toBe(0);
    expect(own.map((path) => existsSync(path))).toEqual([false, false]);
  });

  test("a writer continues while readers repeatedly open and close the store", async () => {
    const folder = await newFolder();
    const writer = inContainer(folder, WRITE);
    let output = "";
    writer.stdout?.on("data", (chunk) => (output += String(chunk)));
    await expect.poll(() => output, { timeout: 20_000 }).toContain("writing");
    expect(await ended(inContainer(folder, READ, readOnly(folder)))).toBe(0);
    expect(await ended(writer)).toBe(0);
    const written = Number(/written (\d+)/.exec(output)?.[1]);
    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    expect((await store.status()).rows).toBe(1 + written);
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const cells = await store.cells({ ...all, levelS: 60, measures: ["events"] });
    expect(cells.reduce((sum, { value }) => sum + value, 0)).toBe(written);
  }, 60_000);
});

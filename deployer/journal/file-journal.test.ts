import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";

import type { LeaseTimes } from "#platform/lease/heartbeat.ts";

import { newWorkload } from "../machine/workload.ts";
import { testJournal } from "./contract.ts";
import { openFileJournal } from "./file-journal.ts";
import { lineOf } from "./journal-lines.ts";
import { applyChange, DEPLOYS_WITH_EFFECTS_MAX, emptyState } from "./journal-state.ts";
import type { Journal } from "./port.ts";
import { testAudit, testDeploy, testIntent } from "./testing-records.ts";

const TIMES: LeaseTimes = { heartbeatMs: 50, staleMs: 1_000 };
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((it) => rm(it, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck journal "));
  folders.push(folder);
  return folder;
}

async function opened(folder: string, bytesMax?: number): Promise<Journal> {
  const journal = await openFileJournal(folder, {
    times: TIMES,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  if (journal === undefined) throw new Error("another writer is still there");
  return journal;
}
const fileIn = (folder: string): string => join(folder, "journal.jsonl");
const workload = { ...newWorkload("billing", 2), version: 1 };

describe("the journal in a file", () => {
  testJournal(async () => {
    const folder = await newFolder();
    return {
      open: () => openFileJournal(folder, { times: TIMES }),
      usurp: async () => {
        const holders = readdirSync(folder).filter((name) => name.endsWith(".holder"));
        for (const name of holders) rmSync(join(folder, name));
      },
    };
  });

  test("cut off at any byte, has the changes before it and accepts new ones", async () => {
    const folder = await newFolder();
    const versions = 4;
    const journal = await opened(folder);
    for (let version = 1; version <= versions; version += 1) {
      await journal.commit({ workloads: [{ ...workload, version }] });
    }
    await journal[Symbol.asyncDispose]();
    const content = readFileSync(fileIn(folder));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: content.length }), async (bytes) => {
        const copy = await newFolder();
        writeFileSync(fileIn(copy), content.subarray(0, bytes));
        const complete = content.subarray(0, bytes).filter((byte) => byte === 0x0a).length;
        await using cut = await opened(copy);
        const found = (await cut.load()).workloads[0]?.version ?? 0;
        // The first line is the fence of the writer.
        expect(found).toBe(Math.max(0, complete - 1));
        await cut.commit({ workloads: [{ ...workload, version: found + 1 }] });
      }),
      { numRuns: 40 },
    );
  });

  test("names a damaged line, and is not opened", async () => {
    const folder = await newFolder();
    const journal = await opened(folder);
    await journal.commit({ workloads: [workload] });
    await journal.commit({ workloads: [{ ...workload, version: 2 }] });
    await journal[Symbol.asyncDispose]();
    const lines = readFileSync(fileIn(folder), "utf8").split("\n");
    lines[1] = lines[1]?.replace("billing", "bulling") ?? "";
    writeFileSync(fileIn(folder), lines.join("\n"));
    await expect(opened(folder)).rejects.toThrow(/Line 2 of .*journal\.jsonl is damaged/);
  });

  test("ignores a line of a writer that was replaced", async () => {
    const folder = await newFolder();
    const first = await opened(folder);
    await first.commit({ workloads: [workload] });
    await first[Symbol.asyncDispose]();
    const second = await opened(folder);
    await second[Symbol.asyncDispose]();
    const late = { workloads: [{ ...workload, version: 2, live: "green" as const }] };
    appendFileSync(fileIn(folder), lineOf(first.fence, late));
    await using third = await opened(folder);
    expect((await third.load()).workloads).toEqual([workload]);
  });

  test("closed during a commit, writes nothing to what has its file descriptor then", async () => {
    const folder = await newFolder();
    const journal = await opened(folder);
    const others = join(folder, "others");
    const before = readFileSync(fileIn(folder), "utf8");
    const committing = journal.commit({ workloads: [workload] });
    const closing = journal[Symbol.asyncDispose]();
    const descriptors = Array.from({ length: 8 }, () => openSync(others, "a"));
    onTestFinished(() => descriptors.forEach((it) => closeSync(it)));
    await expect(committing).rejects.toMatchObject({ code: "precondition_failed" });
    await closing;
    await journal[Symbol.asyncDispose]();
    expect(readFileSync(others, "utf8")).toBe("");
    expect(readFileSync(fileIn(folder), "utf8")).toBe(before);
  });

  test("a large file is replaced by its content when it is opened", async () => {
    const folder = await newFolder();
    const journal = await opened(folder);
    await journal.commit({
      deploys: [testDeploy("dep_1", "succeeded")],
      intents: [testIntent("1.1", "dep_1")],
      audit: [testAudit("dep_1")],
    });
    for (let version = 1; version <= 50; version += 1) {
      await journal.commit({ workloads: [{ ...workload, version }] });
    }
    const read = async (from: Journal) => [
      await from.load(),
      await from.history({ before: 9, limit: 9 }),
      await from.effects("dep_1"),
      await from.audit({ after: 0, limit: 9 }),
    ];
    const before = await read(journal);
    await journal[Symbol.asyncDispose]();
    const { size } = statSync(fileIn(folder));
    const small = await opened(folder, 1_000);
    expect(statSync(fileIn(folder)).size).toBeLessThan(size / 3);
    expect(await read(small)).toEqual(before);
    await small[Symbol.asyncDispose]();
    const again = await opened(folder);
    onTestFinished(() => again[Symbol.asyncDispose]());
    expect(await read(again)).toEqual(before);
    expect(again.fence).toBe(small.fence + 1);
  });

  test("a file that was replaced by its content and is damaged is not opened, and stays", async () => {
    const folder = await newFolder();
    const journal = await opened(folder);
    await journal.commit({ workloads: [workload] });
    await journal[Symbol.asyncDispose]();
    const small = await opened(folder, 1);
    await small[Symbol.asyncDispose]();
    const content = readFileSync(fileIn(folder), "utf8");
    expect(content.split("\n")).toHaveLength(2);
    for (const damaged of [content.replace("billing", "bulling"), content.slice(0, -1)]) {
      writeFileSync(fileIn(folder), damaged);
      await expect(opened(folder)).rejects.toThrow(/Line 1 .* is damaged.*forgets all deploys/);
      expect(readFileSync(fileIn(folder), "utf8")).toBe(damaged);
    }
  });

  test("a file that grows is replaced by its content while it is written", async () => {
    const folder = await newFolder();
    const journal = await opened(folder, 20_000);
    const sizes: number[] = [];
    for (let version = 1; version <= 200; version += 1) {
      await journal.commit({ workloads: [{ ...workload, version }] });
      sizes.push(statSync(fileIn(folder)).size);
    }
    expect(Math.max(...sizes)).toBeLessThan(25_000);
    expect(sizes.some((size, at) => size < (sizes[at - 1] ?? 0))).toBe(true);
    await journal[Symbol.asyncDispose]();
    const again = await opened(folder);
    onTestFinished(() => again[Symbol.asyncDispose]());
    expect((await again.load()).workloads).toEqual([{ ...workload, version: 200 }]);
    expect(again.fence).toBe(journal.fence + 1);
  });

  test("effects of old deploys are forgotten, those of deploys that are under way are not", () => {
    const state = emptyState();
    const add = (id: string, form: "held" | "succeeded"): void =>
      applyChange(state, {
        deploys: [testDeploy(id, form)],
        intents: [testIntent(`of ${id}`, id)],
      });
    add("dep_held", "held");
    for (let at = 0; at < DEPLOYS_WITH_EFFECTS_MAX + 5; at += 1) add(`dep_${at}`, "succeeded");
    expect(state.effects.size).toBe(DEPLOYS_WITH_EFFECTS_MAX);
    expect(state.open.size).toBe(DEPLOYS_WITH_EFFECTS_MAX);
    expect(state.deploys.size).toBe(DEPLOYS_WITH_EFFECTS_MAX + 6);
    expect([...state.effects.keys()].slice(0, 2)).toEqual(["dep_held", "dep_6"]);
  });
});

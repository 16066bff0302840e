import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import type { ForecastIssue } from "../issue.ts";
import { testForecastStore } from "./contract.ts";
import { openFileForecastStore } from "./file-forecast-store.ts";
import { openMemoryForecastStore } from "./memory-forecast-store.ts";

const DAY_MS = 86_400_000;

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck forecasts "));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return join(path, "forecasts");
}

describe("in memory", () => {
  testForecastStore(async () => openMemoryForecastStore());
});

describe("in files", () => {
  testForecastStore(async () => openFileForecastStore({ folder: await temporaryFolder() }));

  const series = { dataset: "nginx.access", count: "sign_ins" } as const;
  const issueAt = (startMs: number): ForecastIssue => ({
    series,
    history: "h",
    forecast: {
      model: "m",
      startMs,
      stepMs: 60_000,
      mean: [1],
      intervals: [],
      sum: { mean: 1, intervals: [] },
      score: { origins: 0, mase: null, coverage: [] },
    },
  });
  const keyAt = (issuedMs: number) => ({ series, stepMs: 60_000, issuedMs, horizon: 1 });

  test("saved issues are visible to other processes", async () => {
    const folder = await temporaryFolder();
    await using one = openFileForecastStore({ folder });
    await using other = openFileForecastStore({ folder });
    expect(await other.find(keyAt(0))).toBeUndefined();
    await one.save(issueAt(0));
    expect(await other.find(keyAt(0))).toEqual(issueAt(0));
    await other.save(issueAt(60_000));
    expect(await one.find(keyAt(60_000))).toEqual(issueAt(60_000));
  });

  test("a line truncated by a crash loses only its own issue", async () => {
    const folder = await temporaryFolder();
    await using store = openFileForecastStore({ folder });
    await store.save(issueAt(0));
    const [name = ""] = await readdir(folder, { recursive: true }).then((names) =>
      names.filter((it) => it.endsWith(".ndjson")),
    );
    const path = join(folder, name);
    await appendFile(path, '{"history":"h","forec');
    await store.save(issueAt(60_000));
    expect(await store.find(keyAt(0))).toBeDefined();
    expect(await store.find(keyAt(60_000))).toBeDefined();
    await truncate(path, (await readFile(path)).length - 20);
    expect(await store.find(keyAt(60_000))).toBeUndefined();
    expect(await store.find(keyAt(0))).toBeDefined();
  });

  async function onlyFile(folder: string): Promise<string> {
    const names = await readdir(folder, { recursive: true });
    return join(folder, names.find((it) => it.endsWith(".ndjson")) ?? "");
  }

  test("a flipped bit in a file never changes a forecast, and only that issue is missing", async () => {
    const folder = await temporaryFolder();
    const issues = [issueAt(0), issueAt(60_000)];
    await using store = openFileForecastStore({ folder });
    for (const issue of issues) await store.save(issue);
    const path = await onlyFile(folder);
    const intact = await readFile(path);
    for (let bit = 0; bit < intact.length * 8; bit += 1) {
      const flipped = Buffer.from(intact);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      await writeFile(path, flipped);
      await using opened = openFileForecastStore({ folder });
      const found = [await opened.find(keyAt(0)), await opened.find(keyAt(60_000))];
      expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(1);
      expect(issues).toEqual(expect.arrayContaining(found.filter(Boolean)));
    }
  });

  test("issues that an earlier version stored without checksums are found", async () => {
    const folder = await temporaryFolder();
    await using store = openFileForecastStore({ folder });
    await store.save(issueAt(0));
    const path = await onlyFile(folder);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/^[0-9a-f]{8} /m, ""));
    await using opened = openFileForecastStore({ folder });
    expect(await opened.find(keyAt(0))).toEqual(issueAt(0));
  });

  test("issues older than the retention are removed", async () => {
    const folder = await temporaryFolder();
    await using store = openFileForecastStore({ folder, keptDays: 2 });
    for (const day of [0, 1, 2, 3]) await store.save(issueAt(day * DAY_MS));
    expect(await store.find(keyAt(0))).toBeUndefined();
    expect(await store.find(keyAt(DAY_MS))).toBeDefined();
    expect(await store.find(keyAt(3 * DAY_MS))).toBeDefined();
  });
});

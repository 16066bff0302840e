import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import { eachLine } from "../lines.ts";
import { UTC } from "../zone.ts";
import { temporaryFolder } from "./files/test-tail.ts";
import { replaySource } from "./replay.ts";
import { LogClock } from "./replay/log-clock.ts";

const MINUTE_MS = 60_000;
const FIRST_MS = Date.UTC(2015, 4, 17, 10);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function accessLine(afterMs: number, path = "/"): string {
  const at = new Date(FIRST_MS + afterMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  return `203.0.113.9 - - [${day}:${time} +0000] "GET ${path} HTTP/1.1" 200 512 "-" "test/1"\n`;
}

type Played = { line: string; atMs: number; handedOutMs: number };

async function play(
  path: string,
  speed: number,
): Promise<{ played: Played[]; startMs: number; ids: Set<string> }> {
  const startMs = Date.now();
  const source = replaySource({
    path,
    speed,
    clock: { nowMs: () => Date.now() },
    zone: UTC,
  });
  const played: Played[] = [];
  const ids = new Set<string>();
  for await (const chunk of source.read(
    () => Promise.resolve(new Map()),
    new AbortController().signal,
  )) {
    ids.add(chunk.sourceId);
    const bytes = Buffer.from(chunk.bytes);
    eachLine({ bytes }, (start, end) => {
      const line = bytes.toString("utf8", start, end);
      const time = /\[(\d+)\/(\w+)\/(\d+):([\d:]+)/.exec(line);
      const ownMs = Date.parse(`${time?.[1]} ${time?.[2]} ${time?.[3]} ${time?.[4]} UTC`);
      played.push({ line, atMs: chunk.retime?.(ownMs) ?? Number.NaN, handedOutMs: Date.now() });
    });
  }
  return { played, startMs, ids };
}

describe("a replay", () => {
  test("yields each line when it is due, with that time", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "old.log.gz");
    const minutes = [0, 1, 2, 3, 243, 244, 245, 246, 247];
    await writeFile(
      path,
      gzipSync(minutes.map((minute) => accessLine(minute * MINUTE_MS)).join("")),
    );
    const speed = 30_000;
    const { played, startMs } = await play(path, speed);
    expect(played).toHaveLength(minutes.length);
    for (const [index, { atMs, handedOutMs }] of played.entries()) {
      const dueMs = ((minutes[index] ?? 0) * MINUTE_MS) / speed;
      expect(handedOutMs - startMs).toBeGreaterThanOrEqual(dueMs - 25);
      expect(atMs - dueMs).toBeGreaterThanOrEqual(startMs - 1);
      expect(atMs).toBeLessThanOrEqual(handedOutMs + 25);
    }
  });

  test("is a new stream each time, and ends with the file", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "old.log");
    await writeFile(path, accessLine(0) + accessLine(1000));
    const first = await play(path, 1e6);
    const second = await play(path, 1e6);
    expect(first.played).toHaveLength(2);
    expect(new Set([...first.ids, ...second.ids]).size).toBe(2);
  });

  test("yields lines that no format can parse immediately and unchanged", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "notes.log");
    await writeFile(path, "no time here\nnor here\n");
    const { played } = await play(path, 0.001);
    expect(played.map(({ line }) => line)).toEqual(["no time here", "nor here"]);
  });

  test("refuses an invalid speed", () => {
    const clock = { nowMs: () => 0 };
    expect(() => replaySource({ path: "x", speed: 0, clock, zone: UTC })).toThrow(/above 0/);
  });
});

describe("the clock of a log", () => {
  const elapsed = (times: number[]): number[] => [
    ...new LogClock().elapsed(Float64Array.from(times)).elapsedMs,
  ];

  test("is monotonic, and not affected by a single forged time", () => {
    const times = Array.from({ length: 30 }, (_, second) => second * 1000);
    times[10] = 1e12;
    times[20] = 0;
    const passed = elapsed(times);
    expect(Math.max(...passed)).toBe(29_000);
    expect(passed).toEqual(passed.toSorted((a, b) => a - b));
  });

  test("continues when the time of the log goes back", () => {
    const day = Array.from({ length: 20 }, (_, minute) => minute * MINUTE_MS);
    const passed = elapsed([...day, ...day]);
    expect(passed.at(-1)).toBeGreaterThan(30 * MINUTE_MS);
    expect(passed.at(-1)).toBeLessThanOrEqual(39 * MINUTE_MS);
    expect(passed).toEqual(passed.toSorted((a, b) => a - b));
  });

  test("lines without a time are due with the previous line", () => {
    expect(elapsed([Number.NaN, 5000, Number.NaN, 6000, 7000])).toEqual([0, 0, 0, 1000, 2000]);
  });
});

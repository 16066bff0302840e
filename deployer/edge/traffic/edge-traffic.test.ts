import { appendFileSync, copyFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { parseAccessLine, type Served } from "./access-line.ts";
import { EdgeTraffic } from "./edge-traffic.ts";
import { hitRatio, LaneHistory } from "./lane-history.ts";

const NOW_MS = 1_790_000_000_000;
const clock = { nowMs: () => NOW_MS };

type Fields = Record<string, string | number>;
const line = (fields: Fields = {}): string =>
  JSON.stringify({
    time: NOW_MS - 5_000,
    workload: "web",
    lane: "blue",
    status: 200,
    ts: "--",
    Tw: 1,
    Tc: 2,
    Tr: 30,
    cache: "miss",
    ...fields,
  });

describe("a line of the access log", () => {
  test.each<[string, Fields, Partial<Served>]>([
    ["an answer", {}, { isError: false, latencyMs: 33, colour: "blue", cache: "miss" }],
    [
      "of a server that failed",
      { status: 503, ts: "SC", Tr: -1 },
      { isError: true, latencyMs: undefined },
    ],
    ["that a server has broken off", { status: 200, ts: "SD" }, { isError: true }],
    ["that a client has broken off", { status: 200, ts: "CD" }, { isError: false }],
    ["without any status", { status: -1, ts: "SH", Tr: -1 }, { isError: true }],
    [
      "of a tunnel that a server ended",
      { status: 101, ts: "SD" },
      { isError: false, latencyMs: undefined },
    ],
    [
      "refused by the edge",
      { status: 429, ts: "PR", Tr: -1, cache: "" },
      { isError: false, cache: undefined },
    ],
  ])("%s", (_name, fields, expected) => {
    expect(parseAccessLine(line(fields))).toMatchObject(expected);
  });

  test.each([
    line({ status: -1, ts: "CR", Tr: -1 }),
    line({ lane: "" }),
    line({ time: "yesterday" }),
    "[NOTICE]   (1) : New worker (2) forked",
    '{"time":',
    "",
  ])("%s is no request", (text) => {
    expect(parseAccessLine(text)).toBeUndefined();
  });
});

describe("counts", () => {
  const served = (own: Partial<Served> = {}): Served => ({
    timeMs: NOW_MS - 5_000,
    workload: "web",
    colour: "blue",
    isError: false,
    latencyMs: 10,
    cache: "hit",
    ...own,
  });

  test("each request counts once, from whichever time on", () => {
    const ages = fc.integer({ min: 0, max: 23 * 3_600 });
    fc.assert(
      fc.property(fc.array(ages), ages, (all, fromAge) => {
        const history = new LaneHistory(clock);
        for (const age of all) history.add(served({ timeMs: NOW_MS - age * 1_000 }));
        const counted = history.counts("web", NOW_MS - fromAge * 1_000).blue.requests;
        // A minute that began before is left out.
        const sure = all.filter((age) => age <= fromAge - 60).length;
        const possible = all.filter((age) => age <= fromAge).length;
        expect(counted).toBeGreaterThanOrEqual(sure);
        expect(counted).toBeLessThanOrEqual(possible);
        expect(history.counts("web", 0).blue.requests).toBe(all.length);
      }),
    );
  });

  test("p95 is within 5 % of the exact one", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1 }), (latencies) => {
        const history = new LaneHistory(clock);
        for (const latencyMs of latencies) history.add(served({ latencyMs }));
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
        const p95 = history.counts("web", 0).blue.latencyMsP95 ?? 0;
        expect(Math.abs(p95 - exact) / exact).toBeLessThan(0.05);
      }),
    );
  });

  test("its size does not grow with the traffic or the days", () => {
    let nowMs = NOW_MS;
    const history = new LaneHistory({ nowMs: () => nowMs });
    for (let turn = 0; turn < 10_000; turn += 1) {
      nowMs += 30_000;
      history.add(served({ timeMs: nowMs }));
    }
    expect(history.size).toBeLessThan(24 * 60 + 700);
    expect(history.counts("web", 0).blue.requests).toBeLessThanOrEqual(2 * 24 * 60 + 2);
  });

  test("times that cannot be are not kept", () => {
    const history = new LaneHistory(clock);
    for (const timeMs of [0, NOW_MS + 3_600_000]) history.add(served({ timeMs }));
    expect(history.size).toBe(0);
  });

  test("nothing has no percentile and no hit ratio", () => {
    const { green } = new LaneHistory(clock).counts("web", 0);
    expect(green).toEqual({ requests: 0, errors: 0, latencyMsP95: undefined, hits: 0, misses: 0 });
    expect(hitRatio(green)).toBeUndefined();
  });
});

describe("the logs of the nodes", () => {
  test("lines count once: in parts, in several files, and when a file is copied and emptied", async () => {
    const folder = temporaryFolder();
    const [first, second] = [path.join(folder, "a.out"), path.join(folder, "b.out")];
    writeFileSync(first, `${line()}\n[WARNING] something\n${line({ status: 500 })}\n`);
    const traffic = new EdgeTraffic([first, second], clock);
    const blue = async () => (await traffic.counts("web", 0)).blue;
    expect(await blue()).toMatchObject({ requests: 2, errors: 1, misses: 2 });
    const text = line({ cache: "hit" });
    appendFileSync(first, text.slice(0, 20));
    expect((await blue()).requests).toBe(2);
    appendFileSync(first, `${text.slice(20)}\n`);
    writeFileSync(second, `${line({ lane: "green" })}\n${line({ workload: "other" })}\n`);
    expect(await blue()).toMatchObject({ requests: 3, hits: 1 });
    expect((await traffic.counts("web", 0)).green.requests).toBe(1);
    appendFileSync(first, `${line()}\n`);
    copyFileSync(first, `${first}.1`);
    truncateSync(first);
    appendFileSync(first, `${line()}\n`);
    expect((await blue()).requests).toBe(5);
    expect((await blue()).requests).toBe(5);
  });

  test("lines longer than a chunk are left out, and those after them are read", async () => {
    const file = path.join(temporaryFolder(), "a.out");
    const long = line({ uri: "x".repeat(600_000) });
    writeFileSync(file, `${line()}\n${long}\n${line()}\n`);
    const { blue } = await new EdgeTraffic([file], clock).counts("web", 0);
    expect(blue.requests).toBe(2);
  });
});

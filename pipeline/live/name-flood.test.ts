import { expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import type { FrameDelta } from "./live-part.ts";
import { LiveWindow } from "./live-window.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 10, 0, 30, 500);
const SCANNED = 5000;
const REQUESTS = 15_000;

type Row = { route: string; status: number; instance: string; agoS: number };

function openFold() {
  const batch = new Batch(1);
  const clock = { nowMs: () => NOW_MS };
  const frames = new FrameAccumulator(batch, clock);
  const live = new LiveWindow(clock);
  const fold = (rows: readonly Row[]): FrameDelta[] => {
    const first = batch.rows;
    batch.reserve(rows.length);
    for (const { route, status, instance, agoS } of rows) {
      const at = batch.rows;
      batch.number("@timestamp").put(at, NOW_MS - agoS * 1000);
      batch.text("data_stream.dataset").putText(at, "nginx.access");
      batch.number("http.response.status_code").put(at, status);
      batch.number("event.duration").put(at, 5e6);
      batch.text("http.route").putText(at, route);
      batch.text("service.node.name").putText(at, instance);
      batch.commit();
    }
    const deltas = frames.fold(first, batch.rows, true);
    for (const delta of deltas) live.merge(structuredClone(delta));
    return deltas;
  };
  return { fold, frame: () => live.frame("nginx.access") };
}

const scans = (from: number, length: number): Row[] =>
  Array.from({ length }, (_, i) => ({
    route: `/scan-${from + i}/${"x".repeat(100)}`,
    status: 404,
    instance: `guess-${from + i}`,
    agoS: i % 3,
  }));
const requests = (length: number): Row[] =>
  Array.from({ length }, (_, i) => ({
    route: "/cart",
    status: i % 100 === 0 ? 500 : 200,
    instance: "web-1",
    agoS: i % 3,
  }));

test("after 5,000 scanned routes, a route with 15,000 requests is the first, within the stated error", () => {
  const { fold, frame } = openFold();
  fold(scans(0, SCANNED));
  fold(requests(REQUESTS));
  const { topRoutes, topRoutesShortfallMax, instances } = frame();
  expect(topRoutes[0]?.route).toBe("/cart");
  expect(topRoutes[0]?.requests).toBeLessThanOrEqual(REQUESTS);
  expect(topRoutes[0]?.requests).toBeGreaterThanOrEqual(REQUESTS - topRoutesShortfallMax);
  expect(topRoutes[0]?.errors).toBeGreaterThanOrEqual(150 - topRoutesShortfallMax);
  expect(topRoutesShortfallMax).toBeLessThanOrEqual((SCANNED + REQUESTS) / 2048);
  expect(instances).toContain("web-1");
});

test("the order of scans and requests does not matter", () => {
  const { fold, frame } = openFold();
  for (let at = 0; at < SCANNED; at += 100) fold([...requests(300), ...scans(at, 100)]);
  const { topRoutes, topRoutesShortfallMax, instances } = frame();
  expect(topRoutes[0]?.route).toBe("/cart");
  expect(topRoutes[0]?.requests).toBeGreaterThanOrEqual(REQUESTS - topRoutesShortfallMax);
  expect(topRoutesShortfallMax).toBeLessThanOrEqual((SCANNED + REQUESTS) / 2048);
  expect(instances).toContain("web-1");
});

test("few routes are counted exactly", () => {
  const { fold, frame } = openFold();
  fold(scans(0, 1000));
  fold(requests(REQUESTS));
  const { topRoutes, topRoutesShortfallMax } = frame();
  expect(topRoutes[0]).toMatchObject({ route: "/cart", requests: REQUESTS, errors: 150 });
  expect(topRoutesShortfallMax).toBe(0);
});

test("the names in a frame of an indexer are bounded, and its totals are exact", () => {
  const { fold } = openFold();
  const [delta] = fold(scans(0, 50_000));
  const { names = [], numbers = new Uint32Array() } = delta?.parts["routes"] ?? {};
  expect(names.length).toBeLessThanOrEqual(2049);
  let total = 0;
  for (let i = 2; i < numbers.length; i += 3) total += numbers[i] ?? 0;
  expect(total).toBe(50_000);
  expect(delta?.parts["instances"]?.names?.length).toBeLessThanOrEqual(201);
});

test("a frame of an indexer of an earlier version is merged", () => {
  const live = new LiveWindow({ nowMs: () => NOW_MS });
  live.merge({
    dataset: "nginx.access",
    newestEventMs: NOW_MS,
    seconds: Uint32Array.of(NOW_MS / 1000),
    parts: {
      routes: { names: ["{other}", "/cart"], numbers: Uint32Array.of(0, 0, 3, 0, 2048, 7) },
    },
  });
  expect(live.frame("nginx.access").topRoutes).toMatchObject([
    { route: "/cart", requests: 7 },
    { route: "{other}", requests: 3 },
  ]);
});

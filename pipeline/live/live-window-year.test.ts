import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import type { FrameDelta } from "./live-part.ts";
import { LiveWindow } from "./live-window.ts";

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const YEAR_S = 366 * DAY_S;
/** Less than one byte per second of a year. */
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

function heapBytes(): number {
  if (typeof collectGarbage === "function") collectGarbage();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

/** The delta of one request, as folded by the ingest. */
function foldOne(): FrameDelta {
  const batch = new Batch(1);
  const frames = new FrameAccumulator(batch, { nowMs: () => START_MS });
  batch.number("@timestamp").put(0, START_MS);
  batch.text("data_stream.dataset").putText(0, "nginx.access");
  batch.number("http.response.status_code").put(0, 200);
  batch.number("event.duration").put(0, 1e6);
  batch.text("http.route").putText(0, "/");
  batch.text("source.address").putText(0, "10.0.0.1");
  batch.text("service.node.name").putText(0, "web-1");
  batch.text("event.action").putText(0, "user-sign-in");
  batch.commit();
  const [delta] = frames.fold(0, 1, true);
  if (!delta) throw new Error("the fold of a request returns a delta");
  return delta;
}

test("after a year without viewers the window and its frames are as small as after an hour", () => {
  const clock = { now: START_MS, nowMs: () => clock.now };
  const live = new LiveWindow(clock);
  const { parts, ...request } = foldOne();
  const seeAt = (second: number): void => {
    clock.now = START_MS + second * 1000;
    const names = [`name-${second}`];
    live.merge({
      ...request,
      newestEventMs: clock.now,
      seconds: Uint32Array.of(clock.now / 1000),
      parts: Object.fromEntries(
        Object.entries(parts).map(([name, part]) => [name, part.names ? { ...part, names } : part]),
      ),
    });
  };
  for (let second = 0; second < HOUR_S; second += 1) seeAt(second);
  const afterAnHour = heapBytes();
  // Every second of a day, then once a minute, which changes as many names and slots as there are.
  for (let second = HOUR_S; second < DAY_S; second += 1) seeAt(second);
  for (let second = DAY_S; second < YEAR_S; second += 60) seeAt(second);
  expect(heapBytes() - afterAnHour).toBeLessThan(GROWTH_BYTES_MAX);
  for (let second = YEAR_S; second < YEAR_S + 10; second += 1) seeAt(second);
  const frame = live.frame("nginx.access");
  expect(frame.seconds).toHaveLength(60);
  expect(frame.seconds.at(-1)).toMatchObject({ tMs: clock.now, requests: 1 });
  expect(frame.instances.length).toBeLessThanOrEqual(20);
  expect(frame.turnover["5"].signIns).toBe(14);
});

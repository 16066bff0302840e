import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { paced } from "./frame-pace.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The times of the runs, in ms since the start; each takes `cpuMs` of CPU time. */
function recorded(cpuMs = 0) {
  const startMs = performance.now();
  const runs: number[] = [];
  vi.spyOn(process, "threadCpuUsage").mockReturnValue({ user: cpuMs * 1_000, system: 0 });
  const pace = paced(() => void runs.push(performance.now() - startMs));
  return { pace, runs };
}

test("a frame that is requested after a pause is sent at once", () => {
  const { pace, runs } = recorded();
  vi.advanceTimersByTime(150);
  pace.request();
  expect(runs).toEqual([0, 150]);
});

test("requests right after a frame are answered by one frame, as soon as its pause is over", () => {
  const { pace, runs } = recorded();
  vi.advanceTimersByTime(30);
  for (let i = 0; i < 5; i += 1) pace.request();
  expect(runs).toEqual([0]);
  vi.advanceTimersByTime(70);
  expect(runs).toEqual([0, 100]);
});

test("with requests all the time, ten frames are sent in a second, and five without any", () => {
  const { pace, runs } = recorded();
  for (let ms = 0; ms < 1_000; ms += 10) {
    pace.request();
    vi.advanceTimersByTime(10);
  }
  expect(runs.filter((ms) => ms < 1_000)).toHaveLength(10);
  vi.advanceTimersByTime(1_000);
  expect(runs.filter((ms) => ms > 1_000 && ms <= 2_000)).toHaveLength(5);
});

test("frames that take long to send are sent less often", () => {
  const { pace, runs } = recorded(15);
  vi.advanceTimersByTime(120);
  pace.request();
  expect(runs).toEqual([0]);
  vi.advanceTimersByTime(30);
  expect(runs).toEqual([0, 150]);
});

test("nothing is sent after it was disposed of", () => {
  const { pace, runs } = recorded();
  pace[Symbol.dispose]();
  pace.request();
  vi.advanceTimersByTime(1_000);
  expect(runs).toEqual([]);
});

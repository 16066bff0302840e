import * as fc from "fast-check";
import { expect, test } from "vitest";

import { laneCounts, SecondCounts } from "./counts.ts";

const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;

test("sums and quantiles are those of the requests since then", () => {
  const request = fc.record({
    atMs: fc.integer({ min: START_MS, max: START_MS + HOUR_MS }),
    ms: fc.double({ min: 0.001, max: 50_000, noNaN: true }),
    isError: fc.boolean(),
  });
  const second = fc.integer({ min: 0, max: HOUR_MS / 1_000 });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 50 }), second, (requests, from) => {
      const counts = new SecondCounts();
      const ordered = requests.toSorted((a, b) => a.atMs - b.atMs);
      for (const { atMs, ms, isError } of ordered) counts.count(atMs, ms, isError);
      const fromMs = START_MS + from * 1_000;
      const since = ordered.filter(({ atMs }) => atMs >= fromMs);
      const got = laneCounts(counts.since(fromMs, START_MS + HOUR_MS));
      expect(got.requests).toBe(since.length);
      expect(got.errors).toBe(since.filter(({ isError }) => isError).length);
      const times = since.map(({ ms }) => ms).toSorted((a, b) => a - b);
      const exact = times[Math.ceil(0.95 * times.length) - 1];
      if (exact === undefined) expect(got.latencyMsP95).toBeUndefined();
      else {
        expect(got.latencyMsP95).toBeGreaterThanOrEqual(exact / 1.000_001);
        expect(got.latencyMsP95).toBeLessThanOrEqual(Math.max(0.1, exact * 1.250_001));
      }
    }),
  );
});

test("keeps three hours, in places that are used again", () => {
  const counts = new SecondCounts();
  counts.count(START_MS, 1, true);
  counts.count(START_MS + 3 * HOUR_MS, 1, false);
  const sum = counts.since(START_MS - HOUR_MS, START_MS + 3 * HOUR_MS);
  expect(sum).toMatchObject({ requests: 1, errors: 0 });
  expect(counts.since(START_MS, START_MS + 9 * HOUR_MS).requests).toBe(0);
});

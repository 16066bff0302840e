import { assert, constantFrom, integer, oneof, property, record, subarray } from "fast-check";
import { describe, expect, test } from "vitest";

import { errors } from "../measures/errors.ts";
import { requests } from "../measures/requests.ts";
import { responseTime } from "../measures/response-time.ts";
import { chooseStep, planPieces, pointsOf, rollupSource } from "./planner.ts";

const instant = oneof(
  integer({ min: 0, max: 20_000_000 }),
  integer({ min: 0, max: 400 }).map((minute) => minute * 60_000),
);
const range = record({ a: instant, b: instant }).map(({ a, b }) => ({
  fromMs: Math.min(a, b),
  toMs: Math.max(a, b),
}));
const step = constantFrom(undefined, 1000, 7000, 60_000, 90_000, 300_000, 3_600_000, 7_200_000);
const levels = subarray([3600, 60] as const);

describe("planner", () => {
  test("the pieces cover the range exactly once, in order", () => {
    assert(
      property(range, step, levels, (wanted, stepMs, usable) => {
        const pieces = planPieces(wanted, stepMs, usable);
        let at = wanted.fromMs;
        for (const piece of pieces) {
          expect(piece.fromMs).toBe(at);
          expect(piece.toMs).toBeGreaterThan(piece.fromMs);
          at = piece.toMs;
        }
        expect(at).toBe(wanted.toMs);
      }),
    );
  });

  test("a level answers only whole cells within a step, and finer levels answer the edges", () => {
    assert(
      property(range, step, (wanted, stepMs) => {
        const pieces = planPieces(wanted, stepMs, [3600, 60]);
        for (const { source, fromMs, toMs } of pieces) {
          if (source === "raw") {
            const isCut = stepMs !== undefined && stepMs % 60_000 !== 0;
            expect(isCut || toMs - fromMs < 60_000 * 2).toBe(true);
          } else {
            expect(fromMs % (source * 1000)).toBe(0);
            expect(toMs % (source * 1000)).toBe(0);
            if (stepMs !== undefined) expect(stepMs % (source * 1000)).toBe(0);
          }
        }
      }),
    );
  });

  test("the chosen step is the finest with at most the given number of points", () => {
    assert(
      property(range, integer({ min: 2, max: 500 }), (wanted, pointsMax) => {
        expect(pointsOf(wanted, chooseStep(wanted, pointsMax))).toBeLessThanOrEqual(pointsMax);
      }),
    );
    const day = { fromMs: 0, toMs: 86_400_000 };
    expect(chooseStep(day, 300)).toBe(300_000);
    expect(chooseStep(day, 288)).toBe(300_000);
    expect(chooseStep(day, 287)).toBe(900_000);
    expect(chooseStep({ fromMs: 0, toMs: 60_000 }, 300)).toBe(1000);
    expect(chooseStep({ fromMs: 0, toMs: 3650 * 86_400_000 }, 300)).toBe(13 * 86_400_000);
  });

  test("raw events are used if no cells have the answer", () => {
    const path = { field: "url.path", op: "eq", value: "/" } as const;
    const status = { field: "http.response.status_code", op: "gte", value: 500 } as const;
    const notRoute = { field: "http.route", op: "ne", value: "/" } as const;
    expect(rollupSource(requests, [path], undefined)).toBeUndefined();
    expect(rollupSource(responseTime, [status], undefined)).toBeUndefined();
    expect(rollupSource(requests, [notRoute], undefined)).toBeUndefined();
    expect(rollupSource(requests, [status], "http.route")).toBeUndefined();
    expect(rollupSource(requests, [status], "data_stream.dataset")?.measure).toBe("requests");
    expect(rollupSource(errors, [], "http.route")).toMatchObject({
      measure: "route",
      levels: [3600],
    });
  });
});

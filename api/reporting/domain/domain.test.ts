import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { csvOf } from "./csv.ts";
import { factOf } from "./events.ts";
import { bucketsOf, rangeOf } from "./periods.ts";
import { ratio } from "./ratio.ts";
import { type Column, word } from "./report.ts";
import { formatOf } from "./run.ts";
import { nextTime, nextTimes, timetableMistake } from "./timetable.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;

/** Cells of CSV as RFC 4180 reads it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /("(?:[^"]|"")*"|[^,\r\n"]*)(,|\r\n|$)/gy;
  for (
    let match = cell.exec(text);
    match !== null && cell.lastIndex <= text.length;
    match = cell.exec(text)
  ) {
    const [, raw = "", end] = match;
    rows.at(-1)?.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end === "\r\n") rows.push([]);
    if (cell.lastIndex === text.length) break;
  }
  return rows.slice(0, -1);
}

describe("CSV", () => {
  const columns: Column[] = [
    word("a", "a"),
    { ...word("n", "n"), type: "integer" },
    word("b", "b"),
  ];
  const nasty = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "=",
          "+",
          "-",
          "@",
          "\t",
          "\r",
          "\n",
          '"',
          ";",
          ",",
          "'",
          "|",
          " ",
          "＝",
          "\u200b",
          "\u0001",
        ),
        fc.constantFrom("=cmd|' /C calc'!A0", "1+1", "x", "@SUM(A1)", '"=1', '";=1'),
        fc.string({ unit: "grapheme", maxLength: 5 }),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(""));
  const isFormula = (cell: string): boolean => /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]/u.test(cell);

  test("no text becomes a formula in a spreadsheet, wherever the spreadsheet splits", () => {
    fc.assert(
      fc.property(nasty, nasty, fc.bigInt(), (a, b, n) => {
        const text = csvOf(columns, [[a, n, b]]);
        const [, row = []] = parseCsv(text);
        expect(row).toHaveLength(3);
        expect(isFormula(row[0] ?? "")).toBe(false);
        expect(row[1]).toBe(String(n));
        expect(isFormula(row[2] ?? "")).toBe(false);
        for (const piece of [row[0], row[2]].flatMap((it) => (it ?? "").split(/[;,\t\r\n|"]/))) {
          expect(isFormula(piece)).toBe(false);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("harmless text round-trips with quotes, separators and line ends", () => {
    const harmless = fc
      .string({ unit: "grapheme" })
      .filter((it) => !/[=+\-@＝＋－＠]|^[\t\r\n]/u.test(it));
    fc.assert(
      fc.property(harmless, harmless, (a, b) => {
        expect(parseCsv(csvOf(columns, [[a, null, b]]))[1]).toEqual([a, "", b]);
      }),
    );
  });
});

describe("ratios", () => {
  test("are exact to half of the last digit at any size", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.bigInt({ min: 1n, max: 10n ** 30n }),
        (part, whole) => {
          const text = ratio(part, whole) ?? "";
          const scaled = BigInt(text.replace(".", ""));
          const error = scaled * whole - part * 1_000_000n;
          expect((error < 0n ? -error : error) * 2n).toBeLessThanOrEqual(whole);
          expect(text).toMatch(/^-?\d+\.\d{6}$/);
        },
      ),
    );
  });

  test("round half away from zero, and are null for a whole of 0", () => {
    expect(ratio(1n, 2_000_000n)).toBe("0.000001");
    expect(ratio(-1n, 2_000_000n)).toBe("-0.000001");
    expect(ratio(-1n, 3_000_000n)).toBe("0.000000");
    expect(ratio(1n, 0n)).toBeNull();
  });
});

describe("periods", () => {
  test("the steps of any range are contiguous and cover it", () => {
    const day = fc.integer({ min: 0, max: 25_000 });
    const step = fc.constantFrom("day" as const, "week" as const, "month" as const);
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 800 }), step, (start, days, length) => {
        const range = { fromMs: start * DAY_MS, toMs: (start + days) * DAY_MS };
        const buckets = bucketsOf(length, range);
        expect(buckets[0]?.fromMs).toBe(range.fromMs);
        expect(buckets.at(-1)?.toMs).toBe(range.toMs);
        for (const [i, it] of buckets.slice(1).entries()) expect(it.fromMs).toBe(buckets[i]?.toMs);
        expect(new Set(buckets.map(({ name }) => name)).size).toBe(buckets.length);
      }),
    );
  });

  test("a period is relative to the clock, and cannot be combined with days", () => {
    const shown = (period: Parameters<typeof rangeOf>[0]["period"]) => {
      const range = rangeOf({ period }, NOW_MS);
      return "path" in range
        ? range.path
        : [range.fromMs, range.toMs].map((it) => new Date(it).toISOString().slice(0, 10));
    };
    expect(shown("last-month")).toEqual(["2026-10-01", "2026-11-01"]);
    expect(shown("last-7-days")).toEqual(["2026-11-18", "2026-11-25"]);
    expect(shown("last-12-months")).toEqual(["2025-11-01", "2026-11-25"]);
    expect(shown("last-year")).toEqual(["2025-01-01", "2026-01-01"]);
    expect(rangeOf({ period: "today", from: "2026-01-01" }, NOW_MS)).toMatchObject({
      path: "period",
    });
  });
});

describe("timetables", () => {
  test("follow local time across clock changes", () => {
    const daily = { cron: "30 6 * * *", timeZone: "Europe/Berlin" };
    const times = nextTimes(daily, Date.parse("2026-03-28T00:00:00Z"), 2);
    expect(times.map((it) => new Date(it).toISOString())).toEqual([
      "2026-03-28T05:30:00.000Z",
      "2026-03-29T04:30:00.000Z",
    ]);
    const night = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
    const autumn = nextTimes(night, Date.parse("2026-10-24T12:00:00Z"), 2);
    expect(autumn.map((it) => new Date(it).toISOString())).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("report the invalid field for any input", () => {
    const good = { cron: "0 6 * * 1", timeZone: "UTC" };
    expect(timetableMistake(good, NOW_MS)).toBeUndefined();
    expect(timetableMistake({ ...good, timeZone: "Mars/Base" }, NOW_MS)?.path).toBe("timeZone");
    expect(timetableMistake({ ...good, cron: "0 0 31 2 *" }, NOW_MS)?.message).toContain("never");
    expect(timetableMistake({ ...good, cron: "* * * * * *" }, NOW_MS)?.path).toBe("cron");
    const part = fc.oneof(
      fc.constantFrom("*", "*/5", "1-5", "L", "99", "-1", "1#2", "?", "1-", "*/0"),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 5, maxLength: 5 }), (parts) => {
        const timetable = { cron: parts.join(" "), timeZone: "UTC" };
        const mistake = timetableMistake(timetable, NOW_MS);
        if (mistake === undefined) expect(nextTime(timetable, NOW_MS)).toBeGreaterThan(NOW_MS);
        else expect(mistake.message).not.toBe("");
      }),
    );
  });
});

test("the format is the requested one, otherwise the one preferred by Accept", () => {
  expect(formatOf("csv", "application/json")).toBe("csv");
  expect(formatOf(undefined, undefined)).toBe("json");
  expect(formatOf(undefined, "*/*")).toBe("json");
  expect(formatOf(undefined, "application/json;q=0.2, text/csv;q=0.9")).toBe("csv");
  expect(formatOf(undefined, "application/vnd.apache.parquet")).toBe("parquet");
  expect(formatOf(undefined, "image/png")).toBeUndefined();
});

test("the extract continues whatever the data of an event", () => {
  const event = fc.record({
    id: fc.constant("7"),
    type: fc.constantFrom(
      "billing.payment.succeeded",
      "billing.subscription.changed",
      "billing.other",
      "__proto__",
    ),
    at: fc.constant("2026-01-01T00:00:00.000Z"),
    data: fc.dictionary(
      fc.constantFrom("paymentId", "customerId", "currency", "amount", "mrr", "x"),
      fc.anything(),
    ),
  });
  fc.assert(
    fc.property(event, (it) => {
      const fact = factOf("billing", it, (id) => id);
      expect(["fact", "other", "rejected"]).toContain(fact.kind);
    }),
  );
});

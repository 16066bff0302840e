import * as fc from "fast-check";
import { expect, test } from "vitest";

import { absolute, parseTimeRange, resolveTime, shiftRange, zoomOut } from "./time-range.ts";
import { formatRange } from "./zone.ts";

const nowMs = Date.UTC(2026, 4, 17, 12, 30);
const utc = { nowMs, zone: "utc" } as const;
const iso = (text: string): string => {
  const range = parseTimeRange(text, utc);
  if (!range.ok) return range.reason;
  const at = (part: string): string =>
    part.startsWith("now") ? part : new Date(Number(part)).toISOString().slice(0, 19);
  return `${at(range.from)} … ${at(range.to)}`;
};

test.each([
  ["15m", "now-15m … now"],
  ["last 2 hours", "now-2h … now"],
  ["Last hour", "now-1h … now"],
  ["past 3 days", "now-3d … now"],
  ["2 weeks", "now-14d … now"],
  ["now-6h", "now-6h … now"],
  ["90 s", "now-90s … now"],
  ["yesterday", "2026-05-16T00:00:00 … 2026-05-17T00:00:00"],
  ["today", "2026-05-17T00:00:00 … 2026-05-18T00:00:00"],
  ["yesterday 14:00", "2026-05-16T14:00:00 … 2026-05-16T15:00:00"],
  ["2015-05-17", "2015-05-17T00:00:00 … 2015-05-18T00:00:00"],
  ["2015-12", "2015-12-01T00:00:00 … 2016-01-01T00:00:00"],
  ["2015-05-17 10:00 to 12:30", "2015-05-17T10:00:00 … 2015-05-17T12:30:00"],
  ["2015-05-17T10:00Z – 2015-05-18T09:00Z", "2015-05-17T10:00:00 … 2015-05-18T09:00:00"],
  ["2015-05-17 to 2015-05-20", "2015-05-17T00:00:00 … 2015-05-21T00:00:00"],
  ["10:00 - 11:15:30", "2026-05-17T10:00:00 … 2026-05-17T11:15:30"],
  ["1431820800000 .. 1431824400000", "2015-05-17T00:00:00 … 2015-05-17T01:00:00"],
  ["09:00 to now", "2026-05-17T09:00:00 … now"],
  ["now-1h", "now-1h … now"],
  ["now-1h to now", "now-1h … now"],
  ["now-2h to now-1h", "now-2h … now-1h"],
  ["now-7d..now", "now-7d … now"],
  ["17 May 2015 10:05 – 12:00", "2015-05-17T10:05:00 … 2015-05-17T12:00:00"],
  ["17 May 2015 10:05:03 – 10:07:00 UTC", "2015-05-17T10:05:03 … 2015-05-17T10:07:00"],
  ["31 Dec 2015 23:00 – 2 Jan 2016 01:00", "2015-12-31T23:00:00 … 2016-01-02T01:00:00"],
  ["17 May 2015", "2015-05-17T00:00:00 … 2015-05-18T00:00:00"],
  ["last 15 min", "now-15m … now"],
  ["last 1.5 h", "now-90m … now"],
  ["last 1.2 y", "now-438d … now"],
  ["next 3 hours", "now … now+3h"],
  ["next 3h", "now … now+3h"],
  ["in the next 1.5 h", "now … now+90m"],
  ["now+3h", "now … now+3h"],
  ["now to now+3h", "now … now+3h"],
  ["now-1h to now+3h", "now-1h … now+3h"],
])("%s is parsed", (text, range) => {
  expect(iso(text)).toBe(range);
});

test.each(["", "soon", "2015-02-30", "2015-13-01", "25:00", "12:00 to 11:00", "0m", "a to b to c"])(
  "%j is rejected with a reason",
  (text) => {
    const range = parseTimeRange(text, utc);
    expect(range.ok).toBe(false);
    if (!range.ok) expect(range.reason.length).toBeGreaterThan(10);
  },
);

test("the box reads every range that it shows itself, in both zones", () => {
  const range = fc.record({
    fromMs: fc.integer({ min: Date.UTC(2001, 0, 1), max: nowMs }),
    spanMs: fc.integer({ min: 20 * 60_000, max: 400 * 86_400_000 }),
  });
  fc.assert(
    fc.property(range, fc.constantFrom("utc" as const, "local" as const), (span, zone) => {
      const fromMs = Math.floor(span.fromMs / 60_000) * 60_000;
      const toMs = fromMs + Math.ceil(span.spanMs / 60_000) * 60_000;
      const shown = `${formatRange(fromMs, toMs, zone)}${zone === "utc" ? " UTC" : ""}`;
      const read = parseTimeRange(shown, { nowMs, zone });
      expect(read, shown).toMatchObject({ ok: true });
      // A wall-clock time that occurs twice, or not at all, when clocks are changed may mean another hour.
      const bound = zone === "utc" ? 0 : 3_600_000;
      expect(Math.abs(Number(read.ok && read.from) - fromMs)).toBeLessThanOrEqual(bound);
      expect(Math.abs(Number(read.ok && read.to) - toMs)).toBeLessThanOrEqual(bound);
    }),
  );
});

test("no text throws, and accepted text gives a range that starts before its end", () => {
  const pieces = fc.constantFrom(
    "last",
    "next",
    "now+2h",
    "2",
    "h",
    "2015-05-17",
    "10:00",
    "to",
    "now",
    "-",
    "999",
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const range = parseTimeRange(text, utc);
      if (!range.ok) return;
      const [from, to] = [resolveTime(range.from, nowMs), resolveTime(range.to, nowMs)];
      expect(from).toBeDefined();
      expect(to).toBeDefined();
      if (range.to !== "now") expect(Number(to)).toBeGreaterThan(Number(from));
    }),
  );
});

test("shifting back and forth, and zooming out, keep the centre", () => {
  expect(shiftRange({ fromMs: 10_000, toMs: 20_000 }, -1)).toEqual({ from: "0", to: "10000" });
  expect(shiftRange({ fromMs: 0, toMs: 10_000 }, 1)).toEqual({ from: "10000", to: "20000" });
  expect(zoomOut({ fromMs: 10_000, toMs: 20_000 })).toEqual({ from: "5000", to: "25000" });
});

test("a range that is dragged backwards or without movement is valid", () => {
  expect(absolute(5000, 2000)).toEqual({ from: "2000", to: "5000" });
  expect(absolute(5000, 5000)).toEqual({ from: "5000", to: "6000" });
});

test("a range within a day shows the day once, and seconds if it is not of whole minutes", () => {
  const [from, to] = [Date.UTC(2015, 4, 17, 10, 5), Date.UTC(2015, 4, 17, 12)];
  expect(formatRange(from, to, "utc")).toBe("17 May 2015 10:05 – 12:00");
  expect(formatRange(from + 17_000, to, "utc")).toBe("17 May 2015 10:05:17 – 12:00:00");
  expect(formatRange(from, to + 86_400_000, "utc")).toBe("17 May 2015 10:05 – 18 May 2015 12:00");
});

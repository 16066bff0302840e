import * as fc from "fast-check";
import { expect, test } from "vitest";

import { zoneOf, type Zone } from "./zone.ts";

const HOUR_MS = 3_600_000;
const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "Asia/Tehran",
  "Africa/Casablanca",
  "Pacific/Apia",
  "UTC",
];

/** The wall-clock time in the zone at a time, as epoch ms as if it were UTC. */
function wallOf(format: Intl.DateTimeFormat, epochMs: number): number {
  const part = Object.fromEntries(
    format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const digits = "2-digit";
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: digits,
    day: digits,
    hour: digits,
    minute: digits,
    second: digits,
  });
}

test("a wall-clock time means the first time at which a clock showed it", () => {
  const clocks = ZONES.map((name) => ({ zone: zoneOf(name), clock: clockOf(name) }));
  const instants = fc.integer({
    min: Date.UTC(1995, 0, 1) / 1000,
    max: Date.UTC(2036, 0, 1) / 1000,
  });
  fc.assert(
    fc.property(instants, fc.constantFrom(...clocks), (epochS, { zone, clock }) => {
      const wallMs = wallOf(clock, epochS * 1000);
      const readMs = wallMs - zone.eastMs(wallMs);
      expect(wallOf(clock, readMs)).toBe(wallMs);
      expect(readMs).toBeLessThanOrEqual(epochS * 1000);
    }),
    { numRuns: 2000 },
  );
});

const utcOf = (zone: Zone, wall: string): string => {
  const wallMs = Date.parse(`${wall}Z`);
  return new Date(wallMs - zone.eastMs(wallMs)).toISOString().slice(0, 16);
};

test("at clock changes, the repeated hour means its first occurrence, and the skipped hour is shifted", () => {
  const berlin = zoneOf("Europe/Berlin");
  expect(utcOf(berlin, "2026-10-25T01:59")).toBe("2026-10-24T23:59");
  expect(utcOf(berlin, "2026-10-25T02:30")).toBe("2026-10-25T00:30");
  expect(utcOf(berlin, "2026-10-25T03:00")).toBe("2026-10-25T02:00");
  expect(utcOf(berlin, "2026-03-29T01:59")).toBe("2026-03-29T00:59");
  expect(utcOf(berlin, "2026-03-29T02:30")).toBe("2026-03-29T01:30");
  expect(utcOf(berlin, "2026-03-29T03:00")).toBe("2026-03-29T01:00");
  expect(utcOf(berlin, "2026-01-01T00:30")).toBe("2025-12-31T23:30");
});

test("a fixed offset applies all year; an invalid zone is rejected with an example", () => {
  expect(zoneOf("-02:30").eastMs(0)).toBe(-2.5 * HOUR_MS);
  expect(zoneOf("+0545").eastMs(Date.UTC(2026, 6, 1))).toBe(5.75 * HOUR_MS);
  expect(zoneOf("Z").eastMs(0)).toBe(0);
  expect(() => zoneOf("Berlin")).toThrow("write it as +02:00, -05:30 or an IANA name");
  expect(() => zoneOf("+15:00")).toThrow("write it as +02:00");
});

test("every time gets an offset of its zone", () => {
  const berlin = zoneOf("Europe/Berlin");
  for (const wallMs of [-8.64e15, 8.64e15, Date.UTC(1994, 0, 1), Date.UTC(9999, 0, 1)]) {
    expect([HOUR_MS, 2 * HOUR_MS]).toContain(berlin.eastMs(wallMs));
  }
});

import type { z } from "zod";

import { toEpochMs, wallClock, type Zone } from "#dashboards/zone.ts";
import { systemClock } from "#platform/clock.ts";

import type { FreezeRequest } from "../requests.ts";

/** The form as it is filled. Times as `2026-11-30T16:00` in the zone of the viewer. */
export type FreezeValues = {
  name: string;
  /** Empty: all. */
  workload: string;
  kind: "once" | "recurring";
  from: string;
  until: string;
  start: string;
  end: string;
  timezone: string;
  reason: string;
};

const HOUR_MS = 3_600_000;

/** From now for two hours, or over the weekend. */
export function initialFreeze(zone: Zone, workload: string): FreezeValues {
  const nowMs = systemClock.nowMs();
  return {
    name: "",
    workload,
    kind: "once",
    from: localText(nowMs, zone),
    until: localText(nowMs + 2 * HOUR_MS, zone),
    start: "0 16 * * 5",
    end: "0 7 * * 1",
    timezone: zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone,
    reason: "",
  };
}

/** What the form asks for. */
export function freezeRequest(values: FreezeValues, zone: Zone): z.input<typeof FreezeRequest> {
  const { name, workload, kind, from, until, start, end, timezone, reason } = values;
  return {
    name,
    workloads: workload === "" ? [] : [workload],
    period:
      kind === "once"
        ? { kind, fromMs: epochMs(from, zone), untilMs: epochMs(until, zone) }
        : { kind, start, end, timezone },
    reason,
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** "2026-11-30T16:00", as the inputs of browsers have it. */
function localText(atMs: number, zone: Zone): string {
  const { year, month, day, hour, minute } = wallClock(atMs, zone);
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

function epochMs(text: string, zone: Zone): number {
  const parts = text.split(/\D/).map(Number);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = parts;
  return toEpochMs({ year, month, day, hour, minute, second: 0 }, zone);
}

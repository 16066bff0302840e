import { type Zone, zoneOf } from "#collectors/zone.ts";
import { AppError } from "#platform/errors.ts";

import { lineTime } from "./line-time.ts";

/** PHP's `error_log`: `[14-Mar-2026 10:11:12 Europe/Berlin] PHP Warning:  text`. */
const PHP =
  /^\[(\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d) ([A-Z][\w+/-]{1,40})\] (?:PHP ([A-Z][\w ]{3,40}): {1,2})?/;
const PHP_LEVELS: Readonly<Record<string, string>> = {
  "Fatal error": "fatal",
  "Parse error": "fatal",
  "Catchable fatal error": "error",
  "Recoverable fatal error": "error",
  Warning: "warning",
  Notice: "notice",
  "Strict Standards": "notice",
  Deprecated: "notice",
};
/** Zones by name, as it is costly to create one. Emptied when there are this many. */
const ZONES_MAX = 64;
const zones = new Map<string, Zone | undefined>();

function namedZone(name: string): Zone | undefined {
  if (zones.has(name)) return zones.get(name);
  if (zones.size >= ZONES_MAX) zones.clear();
  let zone: Zone | undefined;
  try {
    zone = zoneOf(name);
  } catch (error) {
    // The name is no zone: that of the stream applies.
    if (!(error instanceof AppError)) throw error;
  }
  zones.set(name, zone);
  return zone;
}

/** The head of a line of PHP's `error_log`; `zone` applies if its own is not known. */
export function phpHead(
  text: string,
  zone: Zone,
): { ms: number; level: string; message: string } | undefined {
  const [all, time = "", name = "", kind = ""] = PHP.exec(text) ?? [];
  if (all === undefined) return undefined;
  const ms = lineTime(time, namedZone(name) ?? zone)?.ms ?? Number.NaN;
  return { ms, level: PHP_LEVELS[kind] ?? "info", message: text.slice(all.length) };
}

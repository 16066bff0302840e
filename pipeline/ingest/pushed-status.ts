import type { SourceStatus } from "#collectors/source.ts";

/** Takes the place of a path in statuses: all senders together are one source. */
export const PUSHED_EVENTS = "pushed events";

export const pushedStatus = (
  notes: readonly string[],
  level: SourceStatus["level"] = "warning",
): SourceStatus => ({ path: PUSHED_EVENTS, level, message: ["are received", ...notes].join("; ") });

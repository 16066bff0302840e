import type { SourceStatus } from "#collectors/source.ts";

/** Takes the place of a path in statuses: all senders together are one source. */
export const PUSHED_EVENTS = "pushed events";

export const pushedStatus = (note: string): SourceStatus => ({
  path: PUSHED_EVENTS,
  level: "warning",
  message: `are received; ${note}`,
});

import { z } from "zod";

/**
 * Pushed to every viewer of a dataset a few times a second: the same bytes for all, without a query to the store.
 * Times are epoch ms, durations ms unless named otherwise.
 */
/** The counts of one second by the names of their measures, such as `requests`. */
const LiveSecond = z.object({ tMs: z.number() }).catchall(z.number());

export const LiveFrame = z.object({
  dataset: z.string(),
  /** Time at which the frame was built. */
  atMs: z.number(),
  /** Arrival time of the newest event, and its own time. Null if there was none since the start. */
  newestArrivalMs: z.number().nullable(),
  newestEventMs: z.number().nullable(),
  /** Seconds that changed since the last frame, with their new values (not differences). */
  seconds: z.array(LiveSecond),
  /** Metrics by name, over the last minute; users over five minutes. Metrics without a value are left out. */
  metrics: z.record(z.string(), z.number()),
  /** Instances that served requests in the last minute. */
  instances: z.array(z.string()),
  topRoutes: z.array(
    z.object({
      route: z.string(),
      requests: z.number(),
      errors: z.number(),
      p95Ms: z.number().nullable(),
    }),
  ),
  /** The maximum by which each number of `topRoutes` is too small, because there are very many routes; 0 if exact. */
  topRoutesShortfallMax: z.number(),
  /** Sign-ins and sign-outs in the last x minutes. */
  turnover: z.record(
    z.enum(["5", "15", "60"]),
    z.object({ signIns: z.number(), signOuts: z.number() }),
  ),
});
export type LiveFrame = z.infer<typeof LiveFrame>;

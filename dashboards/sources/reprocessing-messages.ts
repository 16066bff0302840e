import { z } from "zod";

/** The reading of stored lines again that runs, and the last one that ended since Quarterdeck started. */
export const Reprocessing = z.object({
  isRunning: z.boolean(),
  /** How many stored events were examined of those that may have to be; null until that is known. */
  progress: z.object({ done: z.number(), total: z.number() }).nullable(),
  last: z
    .object({
      endedMs: z.number(),
      /** Number of events whose line was to be read, and of those that are other events now. */
      lines: z.number(),
      events: z.number(),
      /** Why others were left as they were, and how many. */
      left: z.array(z.object({ reason: z.string(), events: z.number() })),
      /** Why it failed; null if it did not. */
      problem: z.string().nullable(),
    })
    .nullable(),
});
export type Reprocessing = z.infer<typeof Reprocessing>;

/** GET /api/sources/reread */
export const RereadAnswer = z.object({
  reprocessing: Reprocessing,
  /** Names of the formats that can be chosen. */
  formats: z.array(z.string()),
});

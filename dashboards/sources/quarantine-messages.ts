import { z } from "zod";

/** GET /api/quarantine — lines that no format can parse, by reason, and the last re-processing. */
export const Quarantine = z.object({
  /** Most lines first. */
  reasons: z.array(
    z.object({
      reason: z.string(),
      lines: z.number(),
      /** The newest ones. */
      samples: z.array(
        z.object({ id: z.string(), atMs: z.number(), path: z.string(), line: z.string() }),
      ),
    }),
  ),
  /** Number of the lines with these reasons, and of all. */
  total: z.number(),
  reprocessing: z.object({
    isRunning: z.boolean(),
    /** The last one that ended since Quarterdeck started. */
    last: z
      .object({
        endedMs: z.number(),
        /** Number of quarantined lines that were read, and of those that are events now. */
        lines: z.number(),
        events: z.number(),
        /** Why it failed; null if it did not. */
        problem: z.string().nullable(),
      })
      .nullable(),
  }),
  /** Names of the formats that can be chosen. */
  formats: z.array(z.string()),
  mayManage: z.boolean(),
});
export type Quarantine = z.infer<typeof Quarantine>;

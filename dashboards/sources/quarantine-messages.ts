import { z } from "zod";

import { Reprocessing } from "./reprocessing-messages.ts";

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
  reprocessing: Reprocessing,
  /** Names of the formats that can be chosen. */
  formats: z.array(z.string()),
  mayManage: z.boolean(),
});
export type Quarantine = z.infer<typeof Quarantine>;

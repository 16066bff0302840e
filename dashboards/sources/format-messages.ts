import { z } from "zod";

/** GET /api/source-formats */
export const SourceFormats = z.object({
  line: z.string(),
  /** First the one that would be chosen by this line alone. */
  formats: z.array(
    z.object({
      dataset: z.string(),
      /** Why the format cannot read the line; null if it can. */
      reason: z.string().nullable(),
    }),
  ),
});

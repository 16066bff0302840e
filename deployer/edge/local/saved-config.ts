import { z } from "zod";

import { COLOURS, type EdgeConfig } from "#deployer/drivers.ts";

const Slot = z.object({
  address: z
    .string()
    .regex(/^(?:[\w.-]+|\[[\da-f:]+\]):\d{1,5}$/i, { error: "give host:port" })
    .nullable(),
  state: z.enum(["maint", "drain", "ready"]),
});
const both = <T extends z.ZodType>(schema: T) => z.object({ blue: schema, green: schema });

export const EdgeConfigSchema = z.object({
  version: z.int().min(1),
  route: z.object({
    live: z.enum(COLOURS),
    next: z.enum(COLOURS),
    splitBp: z.int().min(0).max(10_000),
  }),
  releases: both(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/)
      .nullable(),
  ),
  slots: both(z.array(Slot).max(1_000)),
}) satisfies z.ZodType<EdgeConfig>;

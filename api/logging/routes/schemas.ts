import { z } from "zod";

import { DATASET, DATASET_HINT } from "#pipeline/dataset-names.ts";
import { text } from "#platform/http/schema.ts";

export const DatasetName = z
  .string()
  .regex(DATASET, { error: DATASET_HINT })
  .meta({ example: "shop.orders" });

export const EventId = z
  .string()
  .regex(/^src_[\w-]{1,64}:\d{1,15}$/, { error: "give the id of an event, such as src_0f3a…:1024" })
  .meta({ example: "src_0123456789abcdef01234567:0" });

export const FieldName = z
  .string()
  .regex(/^[A-Za-z_@][\w.@-]{0,199}$/, { error: "give ECS names of fields, such as log.level" });

export const Event = z
  .strictObject({ id: z.string(), fields: z.record(z.string(), z.unknown()) })
  .meta({ id: "LogEvent", description: "One event as a flat ECS document." });

/** Query parameters of every search. */
export const scopeQuery = {
  q: text({ min: 0, max: 4_000 }).default("").meta({
    description: "A query: terms that must all match, or are joined by AND, OR and NOT",
    example: "level:error",
  }),
  from: text({ max: 40 })
    .optional()
    .meta({ description: "RFC 3339, epoch milliseconds, or now-15m", example: "now-1h" }),
  to: text({ max: 40 })
    .optional()
    .meta({ description: "As `from`, not included; default now", example: "now" }),
};

export const Retention = z
  .strictObject({
    dataset: z.string(),
    days: z.int().nullable(),
    changedAt: z.iso.datetime().nullable(),
    version: z.int(),
  })
  .meta({ id: "Retention" });

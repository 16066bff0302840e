import { z } from "zod";

/** POST and PUT /api/sources. */
export const SourceEntryBody = z.strictObject({
  id: z.string().max(200),
  kind: z.string().max(100),
  /** Texts, numbers, switches, and lists of texts, as the kind has them. */
  properties: z.record(
    z.string().max(100),
    z.union([
      z.string().max(10_000),
      z.number(),
      z.boolean(),
      z.array(z.string().max(10_000)).max(1_000),
    ]),
  ),
  /** Secrets by the property that names their file, which is written and never read again by a page. */
  secrets: z.record(z.string().max(100), z.string().min(1).max(1_000)).optional(),
});
export type SourceEntryBody = z.infer<typeof SourceEntryBody>;

const Field = z.object({
  name: z.string(),
  title: z.string(),
  type: z.enum(["text", "lines", "number", "choice", "switch"]),
  isRequired: z.boolean(),
  isSecret: z.boolean(),
  help: z.string(),
  example: z.string(),
  initial: z.string(),
  choices: z.array(z.string()),
  secretFile: z.string(),
  when: z.object({ field: z.string(), values: z.array(z.string()) }).nullable(),
});
export type FormField = z.infer<typeof Field>;

const Kind = z.object({
  kind: z.string(),
  title: z.string(),
  summary: z.string(),
  fields: z.array(Field),
});
export type KindOfSource = z.infer<typeof Kind>;

/** GET /api/source-kinds */
export const SourceKindsAnswer = z.object({
  kinds: z.array(Kind),
  /** The paths on which the HTTP receiver accepts events. */
  pushPaths: z.array(z.string()),
});
export type SourceKindsAnswer = z.infer<typeof SourceKindsAnswer>;

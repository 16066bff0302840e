import { z } from "zod";

import { Reprocessing } from "../sources/reprocessing-messages.ts";

const LINES_CHARS_MAX = 200_000;
const PATTERN_CHARS_MAX = 4_096;

export const UserFormat = z
  .strictObject({ name: z.string(), pattern: z.string(), paths: z.array(z.string()) })
  .meta({ id: "UserFormat", description: "A log format that a user described by a pattern" });
export type UserFormat = z.infer<typeof UserFormat>;

export const FormatsAnswer = z.strictObject({
  formats: z.array(UserFormat),
  /** The mistakes of the file, which has to be corrected before formats can be changed. */
  problem: z.string().nullable(),
  /** The names that a pattern may refer to. */
  patterns: z.array(z.string()),
  reprocessing: Reprocessing,
});
export type FormatsAnswer = z.infer<typeof FormatsAnswer>;

export const FormatTrial = z.strictObject({
  pattern: z.string().max(PATTERN_CHARS_MAX),
  lines: z.string().max(LINES_CHARS_MAX),
});

export const TriedLine = z.strictObject({
  line: z.string(),
  /** Why the pattern does not read the line; null if it does. */
  reason: z.string().nullable(),
  fields: z.array(z.strictObject({ name: z.string(), value: z.string() })),
});
export type TriedLine = z.infer<typeof TriedLine>;

export const TrialAnswer = z.strictObject({
  /** The mistake in the pattern; null if it has none. */
  mistake: z.string().nullable(),
  lines: z.array(TriedLine),
  /** The number of lines that were not tried, because there are too many or they take too long. */
  left: z.int(),
});
export type TrialAnswer = z.infer<typeof TrialAnswer>;

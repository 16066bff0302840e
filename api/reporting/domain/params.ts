import { z } from "zod";

import { rangeParams } from "./periods.ts";

export const currencyParam = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: "give a currency of ISO 4217, for example EUR" })
  .optional()
  .describe("Only this currency.");

/** Parameters of a report that counts by days, weeks or months. */
export const stepped = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({
    ...rangeParams,
    step: z.enum(["day", "week", "month"]).default("month").describe("Length of a step."),
    ...shape,
  });

/** The same, down to hours. */
export const hourly = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({
    ...rangeParams,
    step: z.enum(["hour", "day", "week", "month"]).default("day").describe("Length of a step."),
    ...shape,
  });

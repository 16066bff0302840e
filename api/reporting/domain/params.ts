import { z } from "zod";

import { rangeParams } from "./periods.ts";

export const currencyParam = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: "give an ISO 4217 currency, for example EUR" })
  .optional()
  .describe("Only this currency.");

/** Parameters of reports by day, week or month. */
export const stepped = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({
    ...rangeParams,
    step: z.enum(["day", "week", "month"]).default("month").describe("Length of a step."),
    ...shape,
  });

/** Parameters of reports by hour, day, week or month. */
export const hourly = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({
    ...rangeParams,
    step: z.enum(["hour", "day", "week", "month"]).default("day").describe("Length of a step."),
    ...shape,
  });

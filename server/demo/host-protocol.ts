import { z } from "zod";

import { ApiAddresses } from "./apis/client.ts";

/** The argument of the demo's process. */
export const HostOptions = z.strictObject({
  folder: z.string().min(1),
  seed: z.int(),
  requestsPerSecondMean: z.number().positive(),
  fromMs: z.number(),
  instancePorts: z.array(z.int()).min(1),
  proxy: z.enum(["any", "built-in"]),
  /** Periods of the past to generate as log files. */
  history: z.array(z.strictObject({ untilMs: z.number(), days: z.number() })),
});
export type HostOptions = z.infer<typeof HostOptions>;

/** Messages from the parent to the demo's process. */
export const ToHost = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("stop") }),
  z.strictObject({ type: z.literal("apis"), apis: ApiAddresses }),
]);

/** Messages from the demo's process to its parent. */
export const HostMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    proxy: z.enum(["nginx", "built-in"]),
    port: z.int(),
    instances: z.int(),
  }),
  z.object({ type: z.literal("history") }),
  z.object({ type: z.literal("warning"), text: z.string() }),
]);
export type HostMessage = z.infer<typeof HostMessage>;

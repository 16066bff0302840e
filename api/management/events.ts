import { z } from "zod";

import { defineEvent, defineEvents } from "#platform/events/define-event.ts";

const Application = z.strictObject({
  application: z.string(),
  revision: z.int(),
  by: z.string(),
});
const Secret = z.strictObject({ name: z.string(), version: z.int(), by: z.string() });

export const managementEvents = [
  defineEvent("application.changed", Application),
  ...defineEvents("secret", ["put", "rotated", "deleted"], Secret),
];
export type ManagementEvent = (typeof managementEvents)[number];

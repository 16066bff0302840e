import type { DatasetTraits } from "#collectors/format.ts";

/** The level decides the type of an event when it is read. */
export const APPLICATION_TRAITS: DatasetTraits = {
  "event.kind": "event",
  "event.category": undefined,
  "event.type": undefined,
  levelDecidesType: false,
  namesClients: false,
};

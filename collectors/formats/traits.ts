import type { DatasetTraits } from "../format.ts";

export const ACCESS_TRAITS: DatasetTraits = {
  "event.kind": "event",
  "event.category": "web",
  "event.type": "access",
  levelDecidesType: false,
  namesClients: false,
};

export const ERROR_TRAITS: DatasetTraits = {
  ...ACCESS_TRAITS,
  "event.type": undefined,
  levelDecidesType: true,
};

/** Events of databases, whose formats write `event.type`. */
export const DATABASE_TRAITS: DatasetTraits = {
  ...ACCESS_TRAITS,
  "event.category": "database",
  "event.type": "info",
};

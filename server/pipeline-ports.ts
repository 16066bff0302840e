import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import type { Bus } from "#pipeline/bus/port.ts";

import { openCurrentStore } from "./open-current-store.ts";
import type { IndexSettings } from "./settings.ts";

/** Bus and store for the domain APIs. */
export const PIPELINE = {
  openBus: ({ dataFolder, busUrl }: Pick<IndexSettings, "dataFolder" | "busUrl">): Bus =>
    openBus({ url: busUrl ?? busUrlIn(dataFolder) }),
  openStores: openCurrentStore,
};

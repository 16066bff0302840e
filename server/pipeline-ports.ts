import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import type { Bus } from "#pipeline/bus/port.ts";

import { openCurrentStore } from "./open-current-store.ts";

/** Bus and store of a data folder for the domain APIs. */
export const PIPELINE = {
  openBus: (dataFolder: string): Bus => openBus({ url: busUrlIn(dataFolder) }),
  openStores: openCurrentStore,
};

import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import { redactingProducer } from "#pipeline/processing/redacting-producer.ts";

import { openCurrentStore } from "./open-current-store.ts";
import type { IndexSettings } from "./settings.ts";

type BusOptions = Pick<IndexSettings, "dataFolder" | "busUrl" | "processing">;

/** Bus and store of what is pushed: for the domain APIs and the receivers. */
export const PIPELINE = {
  /** What is pushed is redacted before it is on disk. */
  openBus: ({ dataFolder, busUrl, processing }: BusOptions): BusProducer & AsyncDisposable =>
    redactingProducer(openBus({ url: busUrl ?? busUrlIn(dataFolder) }), processing),
  openStores: openCurrentStore,
};

import path from "node:path";

import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import type { Bus, BusProducer, BusRecord } from "#pipeline/bus/port.ts";
import { storeUrlIn } from "#pipeline/store/open-store.ts";

import { currentStoreUrl } from "../current-store.ts";
import type { DeploysSettings } from "../settings.ts";

/** The bus of the store that the boards show at each time: that of the demo is another one, until the demo is turned off. */
export class ShownBus implements Pick<BusProducer, "append" | "recent">, AsyncDisposable {
  readonly #urlNow: () => string;
  #url: string;
  #bus: Bus;

  constructor(urlNow: () => string) {
    this.#urlNow = urlNow;
    this.#url = urlNow();
    this.#bus = openBus({ url: this.#url });
  }

  async append(...records: readonly BusRecord[]): Promise<void> {
    const url = this.#urlNow();
    if (url !== this.#url) {
      const before = this.#bus;
      this.#bus = openBus({ url });
      this.#url = url;
      await before[Symbol.asyncDispose]();
    }
    await this.#bus.append(...records);
  }

  recent(): AsyncIterable<BusRecord> {
    return this.#bus.recent();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus[Symbol.asyncDispose]();
  }
}

/** The URL of the bus that the indexer of the shown store reads. */
export function shownBusUrl(settings: DeploysSettings): string {
  const demo = path.join(settings.dataFolder, "demo");
  if (currentStoreUrl(settings) === storeUrlIn(demo)) return busUrlIn(demo);
  return settings.busUrl ?? busUrlIn(settings.dataFolder);
}

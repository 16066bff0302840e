import type { BusProducer } from "#pipeline/bus/port.ts";
import type { IndexerStatus } from "#pipeline/live-link/messages.ts";
import type { StoreMaintenance } from "#pipeline/store/port.ts";

type Deps = {
  store: Pick<StoreMaintenance, "status">;
  bus: Pick<BusProducer, "check"> | undefined;
};

type Failures = Omit<
  IndexerStatus,
  "lines" | "quarantined" | "dropped" | "redacted" | "sources" | "activities" | "lastLines"
>;

/** What an indexer cannot do at present: store events, accept pushed ones, maintain the store. */
export class IndexerFailures {
  readonly #deps: Deps;
  #storeError: string | null = null;
  #storeFailures = 0;
  #reading: Promise<Failures> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  storeFailed(error: unknown): void {
    this.#storeError = messageOf(error);
    this.#storeFailures += 1;
  }

  stored(): void {
    this.#storeError = null;
  }

  /** Concurrent calls share a read, so that a disk that hangs does not accumulate them. */
  status(): Promise<Failures> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<Failures> {
    const { store, bus } = this.#deps;
    const [stored, busError] = await Promise.all([
      // The control plane reports a store that cannot be read.
      store.status().catch(() => undefined),
      bus === undefined ? null : bus.check().then(() => null, messageOf),
    ]);
    return {
      storeError: this.#storeError,
      busError,
      storeProblems: stored?.problems ?? [],
      storeFailures: this.#storeFailures,
      upkeepFailures: stored?.upkeepFailures ?? 0,
    };
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

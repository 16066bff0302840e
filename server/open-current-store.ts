import { openStore } from "#pipeline/store/open-store.ts";
import type { CurrentStore, EventStore } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { currentStoreUrl, type StorePlace } from "./current-store.ts";

const CHECK_EVERY_MS = 1_000;
/** Time for reads of a replaced store to finish. */
const CLOSE_AFTER_MS = 60_000;
const RETRY_MS = 2_000;
const MEMORY_MB = 128;
const CELLS_MEMORY_MB = 16;

export type CurrentStoreOptions = StorePlace & {
  clock: Clock;
  /** Called with each store before it is used. */
  onOpen?(store: EventStore): Promise<void>;
};

type Opened = { url: string; store: Promise<EventStore> };

/** Keeps the store open that is currently in use, which may be replaced by another one. */
export function openCurrentStore(options: CurrentStoreOptions): CurrentStore {
  let opened: Opened | undefined;
  let checkedMs = Number.NEGATIVE_INFINITY;
  const left = new Map<Opened, NodeJS.Timeout>();

  async function open(url: string): Promise<EventStore> {
    const store = await openStore({
      url,
      clock: options.clock,
      memoryLimitMb: MEMORY_MB,
      cellsMemoryMb: CELLS_MEMORY_MB,
    });
    await options.onOpen?.(store);
    return store;
  }

  const close = (old: Opened): Promise<void> => {
    clearTimeout(left.get(old));
    left.delete(old);
    // A store that could not be opened does not need closing.
    return old.store.then((store) => store[Symbol.asyncDispose]()).catch(() => undefined);
  };

  return {
    async get() {
      if (performance.now() - checkedMs >= CHECK_EVERY_MS) {
        checkedMs = performance.now();
        const url = currentStoreUrl(options);
        if (opened?.url !== url) {
          const before = opened;
          opened = { url, store: open(url) };
          if (before)
            left.set(before, setTimeout(() => void close(before), CLOSE_AFTER_MS).unref());
        }
      }
      const now = opened;
      if (!now) throw new Error("the first call opens a store");
      try {
        return await now.store;
      } catch (error) {
        if (opened === now) opened = undefined;
        checkedMs = Number.NEGATIVE_INFINITY;
        if (error instanceof AppError) throw error;
        const message = "The event store cannot be opened now. Try again in a moment.";
        throw new AppError("unavailable", message, { cause: error, waitMs: RETRY_MS });
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...left.keys(), ...(opened ? [opened] : [])].map(close));
      opened = undefined;
    },
  };
}

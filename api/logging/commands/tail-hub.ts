import { setTimeout as delay } from "node:timers/promises";

import type {
  CurrentStore,
  EventDocument,
  EventReader,
  Follower,
  Skipped,
} from "#pipeline/store/port.ts";
import type { Log } from "#platform/log.ts";

const LOOK_EVERY_MS = 250;
/** New events examined at once; of more, the newest, and the others are counted as skipped. */
const EVENTS_MAX = 1_000;

/** Receives new events, oldest first, and the number of skipped ones. */
type TailListener = (events: readonly EventDocument[], skipped: Skipped) => void;

/** One follower of the store shared by all viewers of this process. */
export type TailHub = AsyncDisposable & {
  /** Resolves once it follows: events stored from then on are delivered until the returned function is called. */
  add(listener: TailListener): Promise<() => void>;
  readonly viewers: number;
};

export function createTailHub({ stores, log }: { stores: CurrentStore; log: Log }): TailHub {
  const listeners = new Set<TailListener>();
  const stopping = new AbortController();
  let following: { store: EventReader; follower: Follower } | undefined;
  let running: Promise<void> | undefined;

  async function follower(): Promise<Follower> {
    const store = await stores.get();
    if (following?.store !== store) following = { store, follower: await store.follow() };
    return following.follower;
  }

  async function look(): Promise<void> {
    const { events, skipped } = await (await follower()).next(EVENTS_MAX);
    if (events.length + skipped.size === 0) return;
    const inOrder = events.toReversed();
    for (const listener of listeners) listener(inOrder, skipped);
  }

  async function run(): Promise<void> {
    while (listeners.size > 0 && !stopping.signal.aborted) {
      await look().catch((error: unknown) => log.warn("new logs cannot be followed", { error }));
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    running = undefined;
    // Events are not kept while there are no viewers.
    if (listeners.size === 0) following = undefined;
  }

  return {
    async add(listener) {
      await follower();
      listeners.add(listener);
      running ??= run();
      return () => void listeners.delete(listener);
    },
    get viewers() {
      return listeners.size;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

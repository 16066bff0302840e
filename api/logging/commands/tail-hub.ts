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
/** New events that are looked at in one go; of more, the newest, and it is said how many are not. */
const EVENTS_MAX = 1_000;

/** Gets what is new, oldest first, and how many events it was not shown. */
type TailListener = (events: readonly EventDocument[], skipped: Skipped) => void;

/** One follower of the store for all who watch it from this process: more viewers ask the store for no more. */
export type TailHub = AsyncDisposable & {
  /** Resolves when it follows: all that is stored from then on comes, until the returned function is called. */
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
    // What comes while nobody watches is not remembered.
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

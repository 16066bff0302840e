import type { Notifications } from "#platform/events/notifications.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Content, EMPTY, type Revision, type Scope } from "../domain/application.ts";
import { type Change, diff } from "../domain/diff.ts";
import { reaches } from "../domain/resolve.ts";
import type { SettingsStore } from "../store/port.ts";

export type Watched =
  | { type: "revision"; revision: Revision; changes: Change[] }
  /** Heartbeat after an idle period, with the last revision examined. */
  | { type: "quiet"; after: number };

/** Calls the watchers of an application when it may have changed. */
export type WakeUps = {
  /** Returns a function that unsubscribes. */
  on(application: string, wake: () => void): () => void;
};

const HEARTBEAT_MS = 15_000;
/** Small, because each revision contains the whole application. */
const BATCH = 10;

export function createWakeUps(notifications: Notifications): WakeUps {
  const watching = new Map<string, Set<() => void>>();
  notifications.on("revisions", (payload) => {
    const names = payload === undefined ? [...watching.keys()] : [payload.split(" ")[0] ?? ""];
    for (const name of names) for (const wake of watching.get(name) ?? []) wake();
  });
  return {
    on(application, wake) {
      const listeners = watching.get(application) ?? new Set();
      watching.set(application, listeners.add(wake));
      return () => {
        listeners.delete(wake);
        if (listeners.size === 0 && watching.get(application) === listeners)
          watching.delete(application);
      };
    },
  };
}

type WatchDeps = { store: SettingsStore; wakeUps: WakeUps; database: Queryable };
type WatchRequest = {
  application: string;
  /** The last revision that the watcher received. */
  after: number;
  place: Scope;
  signal: AbortSignal;
  heartbeatMs?: number;
};

/**
 * Yields every revision after `after` that changes something at a place, once and in order. Notifications only trigger
 * a read, and each heartbeat reads too, so a lost notification delays a revision but does not lose it.
 */
export async function* watch(deps: WatchDeps, request: WatchRequest): AsyncGenerator<Watched> {
  const { application, place, signal, heartbeatMs = HEARTBEAT_MS } = request;
  const latch = createLatch(signal);
  const stop = deps.wakeUps.on(application, latch.set);
  let { after } = request;
  let sentMs = performance.now();
  let content: Content = (await deps.store.revision(application, after))?.content ?? EMPTY;
  try {
    while (!signal.aborted) {
      const range = { after, limit: BATCH };
      const revisions = await deps.store.since(deps.database, application, range);
      for (const revision of revisions) {
        const changes = diff(content, revision.content).filter(({ scope }) =>
          reaches(scope, place),
        );
        ({ content } = revision);
        after = revision.revision;
        if (changes.length === 0) continue;
        yield { type: "revision", revision, changes };
        sentMs = performance.now();
      }
      const leftMs = (): number => sentMs + heartbeatMs - performance.now();
      if (revisions.length === 0) await latch.wait(leftMs());
      // A change at another place wakes the watcher, but does not count as a heartbeat.
      if (signal.aborted || leftMs() > 0) continue;
      yield { type: "quiet", after };
      sentMs = performance.now();
    }
  } finally {
    stop();
    latch.close();
  }
}

/** A latch that stays set until the next wait. */
function createLatch(signal: AbortSignal) {
  let isSet = false;
  let release: (() => void) | undefined;
  const set = (): void => {
    isSet = true;
    release?.();
  };
  signal.addEventListener("abort", set);
  return {
    set,
    close: () => signal.removeEventListener("abort", set),
    /** Resolves when the latch is set, or after the given time. */
    async wait(ms: number): Promise<void> {
      if (!isSet) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      [isSet, release] = [false, undefined];
    },
  };
}

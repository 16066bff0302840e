import type { Notifications } from "#platform/events/notifications.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Content, EMPTY, type Revision, type Scope } from "../domain/application.ts";
import { type Change, diff } from "../domain/diff.ts";
import { reaches } from "../domain/resolve.ts";
import type { SettingsStore } from "../store/port.ts";

export type Watched =
  | { type: "revision"; revision: Revision; changes: Change[] }
  /** Nothing was said for a while: a sign of life, and the last revision that was looked at. */
  | { type: "quiet"; after: number };

/** Calls whoever watches an application when it may have changed. */
export type WakeUps = {
  /** Returns how to stop. */
  on(application: string, wake: () => void): () => void;
};

const HEARTBEAT_MS = 15_000;
/** Each is a whole content. */
const BATCH = 10;

export function createWakeUps(notifications: Notifications): WakeUps {
  const watching = new Map<string, Set<() => void>>();
  notifications.on("revisions", (payload) => {
    const names = payload === undefined ? [...watching.keys()] : [payload.split(" ")[0] ?? ""];
    for (const name of names) for (const wake of watching.get(name) ?? []) wake();
  });
  return {
    on(application, wake) {
      const wakes = watching.get(application) ?? new Set();
      watching.set(application, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && watching.get(application) === wakes) watching.delete(application);
      };
    },
  };
}

type WatchDeps = { store: SettingsStore; wakeUps: WakeUps; database: Queryable };
type WatchRequest = {
  application: string;
  /** The last revision that the watcher has. */
  after: number;
  place: Scope;
  signal: AbortSignal;
  heartbeatMs?: number;
};

/**
 * Every revision after one that changes something at a place, each once and in order, for as long as it is watched. A
 * notification is only a reason to look; it looks at each heartbeat too, so a lost one delays and loses nothing.
 */
export async function* watch(deps: WatchDeps, request: WatchRequest): AsyncGenerator<Watched> {
  const { application, place, signal, heartbeatMs = HEARTBEAT_MS } = request;
  const bell = createBell(signal);
  const stop = deps.wakeUps.on(application, bell.ring);
  let { after } = request;
  let saidMs = performance.now();
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
        saidMs = performance.now();
      }
      const leftMs = (): number => saidMs + heartbeatMs - performance.now();
      if (revisions.length === 0) await bell.wait(leftMs());
      // What changes elsewhere wakes it, and is no sign of life for who watches here.
      if (signal.aborted || leftMs() > 0) continue;
      yield { type: "quiet", after };
      saidMs = performance.now();
    }
  } finally {
    stop();
    bell.close();
  }
}

/** A bell that remembers that it was rung while nobody waited. */
function createBell(signal: AbortSignal) {
  let rung = false;
  let answer: (() => void) | undefined;
  const ring = (): void => {
    rung = true;
    answer?.();
  };
  signal.addEventListener("abort", ring);
  return {
    ring,
    close: () => signal.removeEventListener("abort", ring),
    /** Until it is rung, at most so long. */
    async wait(ms: number): Promise<void> {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          answer = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      [rung, answer] = [false, undefined];
    },
  };
}

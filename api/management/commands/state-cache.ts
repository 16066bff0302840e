import type { Kit } from "#api/kit/service.ts";
import { AppError } from "#platform/errors.ts";
import type { PrebuiltResponse } from "#platform/http/route.ts";

import type { Application } from "../domain/application.ts";
import type { SettingsStore } from "../store/port.ts";

/** An application and the results computed from it, by query. */
export type Cached = {
  application: Application;
  responses: WeakMap<object, PrebuiltResponse>;
  readAtMs: number;
};

/**
 * Cache of current applications in this process. Every change notifies every process of its revision, and older
 * entries are then ignored; without a connection for notifications nothing is cached. A stale read from a replica,
 * made before the notification of a newer revision, is served for at most `AGE_MS_MAX`.
 */
export type StateCache = {
  /** @throws AppError not_found */
  get(name: string, readAfter: string | undefined): Promise<Cached>;
  /** The cached result of `get`, for the fast path. */
  peek(name: string, nowMs: number): Cached | undefined;
  /** The newest revision known to this process. */
  newest(name: string): number;
  /** Records a new revision, which invalidates older entries. */
  raise(name: string, version: number): void;
};

const AGE_MS_MAX = 30_000;
const APPLICATIONS_MAX = 200;

export function createStateCache({ kit, store }: { kit: Kit; store: SettingsStore }): StateCache {
  const entries = new Map<string, Cached>();
  const floors = new Map<string, number>();
  let generation = 0;
  const floorOf = (name: string): number => floors.get(name) ?? 0;

  function raise(name: string, version: number): void {
    if (version <= floorOf(name)) return;
    floors.set(name, version);
    if ((entries.get(name)?.application.version ?? version) < version) entries.delete(name);
  }

  kit.notifications.on("revisions", (payload) => {
    if (payload === undefined) {
      generation += 1;
      entries.clear();
      return;
    }
    const [name = "", version] = payload.split(" ");
    raise(name, Number(version));
  });

  function peek(name: string, nowMs: number): Cached | undefined {
    const cached = entries.get(name);
    if (cached === undefined || !kit.notifications.isListening()) return undefined;
    return nowMs - cached.readAtMs < AGE_MS_MAX ? cached : undefined;
  }

  function keep(cached: Cached): Cached {
    const { name, version } = cached.application;
    const before = entries.get(name);
    if (before !== undefined && before.application.version > version) return before;
    if (before?.application.version === version) {
      before.readAtMs = cached.readAtMs;
      return before;
    }
    const [oldest = ""] = entries.keys();
    if (entries.size >= APPLICATIONS_MAX) entries.delete(oldest);
    entries.set(name, cached);
    return cached;
  }

  return {
    raise,
    newest: floorOf,
    peek,
    async get(name, readAfter) {
      const nowMs = kit.clock.nowMs();
      const cached = readAfter === undefined ? peek(name, nowMs) : undefined;
      if (cached) return cached;
      const started = generation;
      const application = await store.peek(name, { version: floorOf(name), after: readAfter });
      if (!application) throw new AppError("not_found", `There is no application ${name}.`);
      const fresh = {
        application,
        responses: new WeakMap<object, PrebuiltResponse>(),
        readAtMs: nowMs,
      };
      const current = generation === started && application.version >= floorOf(name);
      return current && kit.notifications.isListening() ? keep(fresh) : fresh;
    },
  };
}

import { UTC } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import { LiveWindow } from "../live/live-window.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

/** A store and a live window with the events of a log. */
export async function ingested(
  log: string,
  { path, clock }: { path: string; clock: Clock },
): Promise<{ store: EventStore; live: LiveWindow }> {
  const store = openMemoryStore()();
  const live = new LiveWindow(clock);
  const ingest = new Ingest({
    store,
    clock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 1_000,
    onFrames: (deltas) => {
      for (const delta of deltas) live.merge(structuredClone(delta));
    },
  });
  await ingest.run(logSource({ path }, log), new AbortController().signal);
  return { store, live };
}

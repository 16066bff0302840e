import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";

import { removeCovered } from "../bus/segments.ts";
import type { EventStore } from "../store/port.ts";

const EVERY_MS = 5_000;
/** After a history was read there is much to merge; between two steps lines get their turn. */
const STEPS_MAX = 20;
const PAUSE_MS = 50;

export type UpkeepDeps = {
  store: EventStore;
  clock: Clock;
  /** The bus that is read into the store: what is stored is deleted there. */
  busFolder: string | undefined;
};

/** What a store needs beside being written to, until the signal: files are merged, and what is past is removed. */
export async function keepUp(deps: UpkeepDeps, signal: AbortSignal): Promise<void> {
  const { store, clock, busFolder } = deps;
  while (!signal.aborted) {
    await pause(EVERY_MS, signal);
    await steps(() => store.compact(), signal);
    await steps(() => store.expire(clock.nowMs()), signal);
    if (busFolder === undefined || signal.aborted) continue;
    // What cannot be deleted now stays until the next time.
    const removed = store.positions().then((stored) => removeCovered(busFolder, stored));
    await removed.catch(() => undefined);
  }
}

async function steps(step: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (let taken = 0; taken < STEPS_MAX && !signal.aborted; taken += 1) {
    if (!(await step())) return;
    await pause(PAUSE_MS, signal);
  }
}

/** Ends early when it is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

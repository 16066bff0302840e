import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";

import type { BusConsumer } from "../bus/port.ts";
import type { PositionReader, StoreMaintenance } from "../store/port.ts";

const EVERY_MS = 5_000;
/** After reading existing files there is much to merge; the pause between two steps leaves time for reading. */
const STEPS_MAX = 20;
const PAUSE_MS = 50;

export type UpkeepDeps = {
  store: PositionReader & Pick<StoreMaintenance, "compact" | "expire">;
  clock: Clock;
  /** The bus whose events are stored. */
  bus: Pick<BusConsumer, "acknowledge"> | undefined;
};

/**
 * Maintains a store until the signal aborts: merges, removes expired events, and acknowledges stored positions to the
 * bus.
 */
export async function keepUp(deps: UpkeepDeps, signal: AbortSignal): Promise<void> {
  const { store, clock, bus } = deps;
  while (!signal.aborted) {
    await pause(EVERY_MS, signal);
    await steps(() => store.compact(), signal);
    await steps(() => store.expire(clock.nowMs()), signal);
    if (!bus || signal.aborted) continue;
    // A failed acknowledgement is repeated next time.
    const acknowledged = store.positions().then((stored) => bus.acknowledge(stored));
    await acknowledged.catch(() => undefined);
  }
}

async function steps(step: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (let taken = 0; taken < STEPS_MAX && !signal.aborted; taken += 1) {
    if (!(await step())) return;
    await pause(PAUSE_MS, signal);
  }
}

/** Ends early when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

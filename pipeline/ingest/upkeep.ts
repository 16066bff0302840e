import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";

import type { BusConsumer } from "../bus/port.ts";
import type { Expired, PositionReader, StoreMaintenance } from "../store/port.ts";

const EVERY_MS = 5_000;
const EXAMINE_EVERY_MS = 1_000;
/** After reading existing files there is much to merge; the pause between two steps leaves time for reading. */
const STEPS_MAX = 20;
const PAUSE_MS = 50;

export type UpkeepDeps = {
  store: PositionReader & Pick<StoreMaintenance, "compact" | "examine" | "expire">;
  clock: Clock;
  /** The bus whose events are stored. */
  bus: Pick<BusConsumer, "acknowledge"> | undefined;
  /** Called with the events that were removed because they expired. */
  onExpired(expired: readonly Expired[]): void;
};

/**
 * Maintains a store until the signal aborts: examines it, merges, removes expired events, and acknowledges stored positions to the
 * bus. A merge in progress is not waited for: closing the store ends it.
 */
export async function keepUp(deps: UpkeepDeps, signal: AbortSignal): Promise<void> {
  const { store, bus } = deps;
  const expire = async (): Promise<boolean> => {
    const expired = await store.expire(deps.clock.nowMs());
    if (expired && expired.length > 0) deps.onExpired(expired);
    return expired !== undefined;
  };
  const examining = keepExamining(store, signal);
  while (!signal.aborted) {
    await pause(EVERY_MS, signal);
    await steps(() => store.compact(), signal);
    await steps(expire, signal);
    if (!bus || signal.aborted) continue;
    // A failed acknowledgement is repeated next time.
    const acknowledged = store.positions().then((stored) => bus.acknowledge(stored));
    await acknowledged.catch(() => undefined);
  }
  await examining;
}

/** Beside the merges, which may take longer than damage may remain unnoticed. */
async function keepExamining(
  store: Pick<StoreMaintenance, "examine">,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(EXAMINE_EVERY_MS, signal);
    if (!signal.aborted) await store.examine();
  }
}

async function steps(step: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const { promise: isAborted, resolve } = Promise.withResolvers<false>();
  const stop = (): void => resolve(false);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (let taken = 0; taken < STEPS_MAX && !signal.aborted; taken += 1) {
      if (!(await Promise.race([step(), isAborted]))) return;
      await pause(PAUSE_MS, signal);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Ends early when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

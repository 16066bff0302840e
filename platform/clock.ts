/** The time, as an argument. Epoch ms. */
export type Clock = { nowMs(): number };

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Starts at the time of the system and then only measures durations, so that it never steps. */
export function steadyClock(clock = systemClock, monotonicMs = () => performance.now()): Clock {
  const startMs = clock.nowMs() - monotonicMs();
  return { nowMs: () => startMs + monotonicMs() };
}

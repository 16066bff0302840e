import { type Clock, systemClock } from "#platform/clock.ts";

/** The time, and work at a later time. */
export type Timer = Clock & {
  /** Returns a function that cancels it. */
  later(ms: number, work: () => void): () => void;
};

export const systemTimer: Timer = {
  ...systemClock,
  later(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Rejects if `work` takes longer. The work itself goes on, and its result is ignored. */
export async function within<Value>(
  timer: Timer,
  ms: number,
  work: () => Promise<Value>,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = timer.later(ms, () => reject(new Error(`no reply within ${ms} ms`)));
  try {
    return await Promise.race([work(), promise]);
  } finally {
    cancel();
  }
}

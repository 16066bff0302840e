import { setTimeout as delay } from "node:timers/promises";

const TICK_MS = 200;

type Spread<Session> = {
  overMs: number;
  /** Those that are to be closed. Rejects while they cannot be known. */
  open(): Promise<readonly Session[]>;
  close(session: Session): Promise<void>;
  signal: AbortSignal;
};

/** Closes sessions evenly over a time, and those that are left at its end at once. Sessions may end by themselves. */
export async function spreadCloses<Session>(spread: Spread<Session>): Promise<void> {
  const { overMs, open, close, signal } = spread;
  const endMs = performance.now() + overMs;
  while (!signal.aborted) {
    const leftMs = endMs - performance.now();
    const sessions = await open().catch(() => undefined);
    if (sessions?.length === 0) return;
    const count = closesNow(sessions?.length ?? 0, leftMs);
    for (const session of sessions?.slice(0, count) ?? []) {
      // It has ended in the meantime, or the next turn tries again.
      await close(session).catch(() => undefined);
    }
    // It cannot be reached; what has its place by then must not be closed.
    if (sessions === undefined && leftMs < -overMs) return;
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** How many of the open sessions are closed in this turn, so that the last ones are closed at the end of the time. */
export function closesNow(open: number, leftMs: number): number {
  const turns = Math.max(1, Math.ceil(leftMs / TICK_MS));
  return Math.ceil(open / turns);
}

/** Closes that are under way. A later one replaces the earlier one of the same name. */
export class Closings {
  readonly #underWay = new Map<string, AbortController>();

  begin<Session>(name: string, spread: Omit<Spread<Session>, "signal">): void {
    this.#underWay.get(name)?.abort();
    const closing = new AbortController();
    this.#underWay.set(name, closing);
    void spreadCloses({ ...spread, signal: closing.signal }).then(() => {
      if (this.#underWay.get(name) === closing) this.#underWay.delete(name);
      return undefined;
    });
  }

  end(): void {
    for (const closing of this.#underWay.values()) closing.abort();
  }
}

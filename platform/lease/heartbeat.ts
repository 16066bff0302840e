import { randomBytes } from "node:crypto";
import { rm, utimes } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import { systemClock } from "../clock.ts";
import { createHolder, disownHolder, holderPath, isAbsent } from "./holder-files.ts";

/** How often a holder writes a heartbeat, and after how long without one it counts as dead. */
export type LeaseTimes = { heartbeatMs: number; staleMs: number };

/**
 * After this part of `staleMs` without a heartbeat a holder no longer relies on its leases. No two processes rely on a
 * lease at once, because
 *
 *     start of a heartbeat + staleMs × RELIABLE_PART  <  time at which it was first seen + staleMs
 *
 * - The holder relies on a lease until the left side (`isReliable`), another process ends the holder at the right side
 *   or later (`holderState`), and a heartbeat is seen after its start. Both measure durations with their own monotonic
 *   clock. The difference, staleMs × (1 − RELIABLE_PART), is the time that writing one heartbeat may take.
 * - A heartbeat that starts after the left side may come between the other's last look and its deletion of the holder's
 *   file. So it counts only if a heartbeat finds the file still there `heartbeatMs` later (`#mayRelyFrom`).
 * - A heartbeat fails once the file is deleted, and the file is deleted before the lease (`takeLease`). So a lease
 *   whose holder still has its file after a heartbeat was not taken over (`confirm`).
 * - Of several processes that take over, the rename of one succeeds (holder-files.ts).
 */
const RELIABLE_PART = 2 / 3;
const TOKEN_BYTES = 12;

/** The heartbeat of this thread in one folder, for all its leases there. */
export class Heartbeat {
  readonly folder: string;
  readonly token = randomBytes(TOKEN_BYTES).toString("hex");
  readonly times: LeaseTimes;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #reliableUntilMs = 0;
  #resumedMs: number | undefined;

  private constructor(folder: string, times: LeaseTimes) {
    this.folder = folder;
    this.times = times;
  }

  static async start(folder: string, times: LeaseTimes): Promise<Heartbeat> {
    const heartbeat = new Heartbeat(folder, times);
    await heartbeat.#start();
    return heartbeat;
  }

  /** Aborts when another process has taken over because this one was suspended or could not write for too long. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether the last heartbeat is so recent that no other process can have taken over. */
  get isReliable(): boolean {
    return !this.lost.aborted && performance.now() < this.#reliableUntilMs;
  }

  /** Resolves when the leases can be relied on, again if need be (true), or are lost (false). */
  async beatUntilReliable(): Promise<boolean> {
    for (;;) {
      await this.#beat();
      if (this.lost.aborted) return false;
      if (this.isReliable) return true;
      await delay(this.times.heartbeatMs);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    disownHolder(this.token);
    // A file that cannot be removed gets no more heartbeats, so that it counts as dead after `staleMs`.
    await rm(holderPath(this.folder, this.token), { force: true }).catch(() => undefined);
  }

  async #start(): Promise<void> {
    const startMs = performance.now();
    await createHolder(this.folder, this.token);
    this.#reliableUntilMs = startMs + this.#reliableMs;
    this.#timer = setInterval(() => {
      // A failed write is retried; `isReliable` becomes false in the meantime.
      this.#beat().catch(() => undefined);
    }, this.times.heartbeatMs).unref();
  }

  get #reliableMs(): number {
    return this.times.staleMs * RELIABLE_PART;
  }

  /** Sets the modification time of the file, and fails if the file is missing, in one system call. */
  async #beat(): Promise<void> {
    const startMs = performance.now();
    const now = new Date(systemClock.nowMs());
    try {
      await utimes(holderPath(this.folder, this.token), now, now);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.#lose();
      return;
    }
    if (this.#mayRelyFrom(startMs)) this.#reliableUntilMs = startMs + this.#reliableMs;
  }

  /**
   * After a gap, another process may be about to take over based on its observations before this heartbeat. So the
   * leases are relied on only if they still exist one interval later.
   */
  #mayRelyFrom(startMs: number): boolean {
    if (startMs < this.#reliableUntilMs) {
      this.#resumedMs = undefined;
      return true;
    }
    this.#resumedMs ??= startMs;
    if (startMs - this.#resumedMs < this.times.heartbeatMs) return false;
    this.#resumedMs = undefined;
    return true;
  }

  #lose(): void {
    clearInterval(this.#timer);
    disownHolder(this.token);
    this.#lost.abort();
  }
}

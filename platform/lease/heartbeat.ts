import { randomBytes } from "node:crypto";
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import { systemClock } from "../clock.ts";
import { type HolderRecord, holderPath, isAbsent, ownTokens } from "./holder-files.ts";
import { ownIdentity } from "./process-identity.ts";

/** How often a holder gives a sign of life, and after how long without one it counts as dead. */
export type LeaseTimes = { heartbeatMs: number; staleMs: number };

/** After this part of `staleMs` without a heartbeat a holder no longer relies on its leases. */
const RELIABLE_PART = 2 / 3;
const TOKEN_BYTES = 12;

/** The heartbeat of this thread in one folder, for all the leases that it holds there. */
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

  /** Aborts when another process took over, because this one was suspended or could not write for too long. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether no other process can have taken over, by the time since the last heartbeat. */
  get isReliable(): boolean {
    return !this.lost.aborted && performance.now() < this.#reliableUntilMs;
  }

  /** Gives a sign of life, and resolves when the leases can be relied on again (true) or are lost (false). */
  async confirm(): Promise<boolean> {
    for (;;) {
      await this.#beat();
      if (this.lost.aborted) return false;
      if (this.isReliable) return true;
      await delay(this.times.heartbeatMs);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    ownTokens.delete(this.token);
    // A file that cannot be removed gets no heartbeats, so it is in nobody's way for long.
    await rm(holderPath(this.folder, this.token), { force: true }).catch(() => undefined);
  }

  async #start(): Promise<void> {
    const startMs = performance.now();
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const record: HolderRecord = { process: ownIdentity(), sinceMs: systemClock.nowMs() };
    const path = holderPath(this.folder, this.token);
    try {
      await writeFile(path, JSON.stringify(record), { flag: "wx", mode: 0o600 });
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
    ownTokens.add(this.token);
    this.#reliableUntilMs = startMs + this.#reliableMs;
    this.#timer = setInterval(() => {
      // What cannot be written now is tried again; `isReliable` turns false meanwhile.
      this.#beat().catch(() => undefined);
    }, this.times.heartbeatMs).unref();
  }

  get #reliableMs(): number {
    return this.times.staleMs * RELIABLE_PART;
  }

  /** Changes the time of the file, wherever it lies, and fails if the file is missing: both in one step. */
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
   * After a gap, another process may be about to take over because of what it saw before this heartbeat. So the leases
   * are relied on only if they are still there one interval later.
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
    ownTokens.delete(this.token);
    this.#lost.abort();
  }
}

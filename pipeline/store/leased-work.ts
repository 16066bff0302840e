import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { type Lease, tryLease } from "#platform/lease/lease.ts";

import { explained } from "./files.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { leasesIn } from "./store-writer.ts";

const COMPACTION_LEASE = "compaction";
/** After failures the same work is repeated less and less often: a failed merge may have cost minutes. */
const RETRY_MS = { first: 5_000, max: 10 * 60_000 };
/** A merge with a few large files takes this long. */
const LEASE_WAIT_MS_MAX = 60_000;
const LEASE_RETRY_MS = 100;

/** Work on the files of a store that one process at a time may do: the holder of the compaction lease. */
export class LeasedWork {
  readonly #segments: SegmentFolder;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  /** The last failure of each kind of work that failed, and the wait after it. */
  readonly #pauses = new Map<string, { failedMs: number; waitMs: number }>();
  #failures = 0;

  constructor(segments: SegmentFolder, clock: Clock) {
    this.#segments = segments;
    this.#clock = clock;
  }

  /** Number of failures. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Undefined if another process has the lease, if the work fails, which adds the problem to those of the store, or if it
   * failed before and is not repeated yet.
   */
  async try<T>(
    problem: string,
    work: (lease: Lease) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const running = this.#try(problem, work);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Resolves when no work is in progress. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #try<T>(
    problem: string,
    work: (lease: Lease) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (this.#isPaused(problem)) return undefined;
    try {
      await using lease = await tryCompactionLease(this.#segments);
      if (!lease) return undefined;
      const done = await work(lease);
      this.#pauses.delete(problem);
      this.#segments.forgetProblem(problem);
      return done;
    } catch (error) {
      this.#failures += 1;
      this.#pause(problem);
      const reason = explained(error, this.#segments.folder).message;
      this.#segments.noteProblem(problem, `${problem}: ${reason}`);
      return undefined;
    }
  }

  #isPaused(problem: string): boolean {
    const pause = this.#pauses.get(problem);
    if (!pause) return false;
    const sinceMs = this.#clock.nowMs() - pause.failedMs;
    // After the clock was set back the time since is unknown.
    return sinceMs >= 0 && sinceMs < pause.waitMs;
  }

  #pause(problem: string): void {
    const before = this.#pauses.get(problem)?.waitMs;
    const waitMs = before === undefined ? RETRY_MS.first : Math.min(before * 2, RETRY_MS.max);
    this.#pauses.set(problem, { failedMs: this.#clock.nowMs(), waitMs });
  }
}

/** @throws AppError `unavailable` while another process has the compaction lease for long */
export async function waitForCompactionLease(segments: SegmentFolder): Promise<Lease> {
  const untilMs = performance.now() + LEASE_WAIT_MS_MAX;
  do {
    const lease = await tryCompactionLease(segments);
    if (lease) return lease;
    await delay(LEASE_RETRY_MS);
  } while (performance.now() < untilMs);
  throw new AppError("unavailable", "another process merges the files of the store: try again");
}

const tryCompactionLease = ({ folder }: SegmentFolder): Promise<Lease | undefined> =>
  tryLease(leasesIn(folder), COMPACTION_LEASE);

import { AppError } from "#platform/errors.ts";

import type { Asking } from "./port.ts";

/** Long enough for a scan of a large store, and shorter than the timeouts of proxies. */
const QUESTION_MS_MAX = 30_000;
const RETRY_MS = 5_000;

/** A question that is being answered. */
export type Question = {
  /** Aborts when the question must end; its reason is the error to throw. */
  readonly signal: AbortSignal;
  readonly asker: string | undefined;
  /** Called when a statement of the question starts to run. */
  started(): void;
};

/**
 * The open questions of a store. Each ends with its answer or with an AppError `unavailable`: at the time limit, which
 * includes waiting, when its asker leaves, or when the store closes.
 */
export class Questions {
  readonly #msMax: number;
  readonly #open = new Set<AbortController>();
  #isClosed = false;

  constructor(msMax: number = QUESTION_MS_MAX) {
    this.#msMax = msMax;
  }

  /** Rejects as soon as the question must end, even if `work` continues for a moment. */
  async run<T>({ signal, asker }: Asking, work: (question: Question) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    let hasStarted = false;
    const limit = setTimeout(() => {
      ending.abort(hasStarted ? tookTooLong(this.#msMax) : neverStarted(this.#msMax));
    }, this.#msMax);
    const leave = (): void => ending.abort(askerLeft());
    signal?.addEventListener("abort", leave, { once: true });
    if (signal?.aborted) leave();
    if (this.#isClosed) ending.abort(storeClosed());
    this.#open.add(ending);
    const started = (): void => {
      hasStarted = true;
    };
    try {
      ending.signal.throwIfAborted();
      const answer = work({ signal: ending.signal, asker, started });
      return await unlessAborted(answer, ending.signal);
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener("abort", leave);
      this.#open.delete(ending);
    }
  }

  /** Ends all questions, and rejects new ones. */
  close(): void {
    this.#isClosed = true;
    for (const ending of this.#open) ending.abort(storeClosed());
  }
}

/** Settles like `work`, or rejects with the signal's reason if it aborts before. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const reject = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", reject, { once: true });
  try {
    const result = await Promise.race([work, aborted.promise]);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", reject);
  }
}

export const storeClosed = (): AppError =>
  new AppError("unavailable", "the event store is closed: try again in a moment", {
    waitMs: RETRY_MS,
  });

const askerLeft = (): AppError =>
  new AppError(
    "unavailable",
    "this search was ended because its reader disconnected or Quarterdeck is stopping: try again",
    { waitMs: RETRY_MS },
  );

const tookTooLong = (ms: number): AppError =>
  new AppError(
    "unavailable",
    `this search took longer than ${ms / 1_000} s, so it was ended: choose a shorter range or add a filter`,
    { waitMs: RETRY_MS },
  );

const neverStarted = (ms: number): AppError =>
  new AppError(
    "unavailable",
    `too many searches are running, so this one could not start within ${ms / 1_000} s: try again in a moment`,
    { waitMs: RETRY_MS },
  );

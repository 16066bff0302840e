import { type Timer, within } from "./timer.ts";

type Options<Value> = {
  timer: Timer;
  /** Between the end of a read and the next one. */
  intervalMs: () => number;
  timeoutMs: number;
  read: () => Promise<Value>;
  /** Undefined if it could not be read, and why. */
  onRead: (value: Value | undefined, problem: unknown) => void;
};

/** Reads something again and again, one read at a time. */
export class Poller<Value> {
  readonly #options: Options<Value>;
  #cancel: (() => void) | undefined;
  #isReading = false;
  /** What is being read may be from before the latest change. */
  #isOutdated = false;
  #isStopped = false;

  constructor(options: Options<Value>) {
    this.#options = options;
  }

  /** Reads at once, or again if it is reading now. */
  poke(): void {
    if (this.#isReading) this.#isOutdated = true;
    else if (!this.#isStopped) void this.#read();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #read(): Promise<void> {
    const { timer, timeoutMs, read, onRead, intervalMs } = this.#options;
    this.#cancel?.();
    this.#isReading = true;
    do {
      this.#isOutdated = false;
      const { value, problem } = await within(timer, timeoutMs, read).then(
        (it) => ({ value: it, problem: undefined }),
        (error: unknown) => ({ value: undefined, problem: error }),
      );
      if (this.#isStopped) return;
      if (!this.#isOutdated) onRead(value, problem);
    } while (this.#isOutdated);
    this.#isReading = false;
    this.#cancel = timer.later(intervalMs(), () => this.poke());
  }
}

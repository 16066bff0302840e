import { systemClock } from "#platform/clock.ts";

const PAST_MS = 5 * 60_000;
const TELL_EVERY_MS = 1_500;

/** Tells when sealed rows lie in the past, which frames do not carry to the boards; now and then, not for each. */
export class Past {
  #known: boolean;
  #timer: NodeJS.Timeout | undefined;
  readonly #tell: () => void;

  constructor(known: boolean, tell: () => void) {
    this.#known = known;
    this.#tell = tell;
  }

  sealed({ rows, newestEventMs }: { rows: number; newestEventMs: number | undefined }): void {
    if (rows === 0) return;
    const isPast = newestEventMs === undefined || systemClock.nowMs() - newestEventMs > PAST_MS;
    if (this.#known && !isPast) return;
    const delayMs = this.#known ? TELL_EVERY_MS : 0;
    this.#known = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

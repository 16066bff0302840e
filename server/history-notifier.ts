import { systemClock } from "#platform/clock.ts";

const HISTORY_MS = 5 * 60_000;
const NOTIFY_EVERY_MS = 1_500;

/**
 * Notifies when old rows were stored, which live frames do not show, or the very first rows. It notifies at most once
 * per interval, not for each segment.
 */
export class HistoryNotifier {
  #hasRows: boolean;
  #timer: NodeJS.Timeout | undefined;
  readonly #notify: () => void;

  constructor(hasRows: boolean, notify: () => void) {
    this.#hasRows = hasRows;
    this.#notify = notify;
  }

  sealed({ rows, newestEventMs }: { rows: number; newestEventMs: number | undefined }): void {
    if (rows === 0) return;
    const isHistory =
      newestEventMs === undefined || systemClock.nowMs() - newestEventMs > HISTORY_MS;
    if (this.#hasRows && !isHistory) return;
    const delayMs = this.#hasRows ? NOTIFY_EVERY_MS : 0;
    this.#hasRows = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#notify();
    }, delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

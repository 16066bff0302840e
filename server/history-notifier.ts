import type { Sealed } from "#pipeline/ingest/ingest-deps.ts";

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

  sealed({ rows, historyRows }: Sealed): void {
    if (rows === 0) return;
    // A log that is read for the first time may have a few lines of now, and a live one a few late lines.
    const isHistory = historyRows > rows / 2;
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

/** Another attempt within this time after the previous one shows that the previous one was refused. */
const REPEAT_MS = 60_000;
const CLIENTS_MAX = 10_000;

/**
 * Recognises repeated posts of a sign-in form. Many sites answer a refused one with 200 and the form again, as single-page
 * apps answer an accepted one; but someone who has signed in does not post the form again. So of attempts in short
 * succession only one counts, until the client signs out.
 */
export class RepeatedSignIns {
  /** Time of the latest attempt that was answered with 2xx, by client and path; epoch ms. */
  readonly #latest = new Map<string, number>();

  /** Whether the sign-in repeats one that was counted. */
  isRepeat(key: string, timeMs: number, status: number): boolean {
    const latest = this.#latest.get(key);
    const isRepeat = latest !== undefined && Math.abs(timeMs - latest) <= REPEAT_MS;
    this.#latest.delete(key);
    if (status < 300) {
      if (this.#latest.size >= CLIENTS_MAX) this.#latest.clear();
      this.#latest.set(key, timeMs);
    }
    return isRepeat;
  }

  signedOut(key: string): void {
    this.#latest.delete(key);
  }
}

const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 5_000;

type Target = { isSending: boolean; failures: number; waitUntilMs: number };

/** Which targets must not get a request now: one is under way, or the last ones failed a short time ago. */
export class Targets {
  readonly #targets = new Map<string, Target>();

  isBusy(name: string, nowMs: number): boolean {
    const target = this.#targets.get(name);
    return target !== undefined && (target.isSending || nowMs < target.waitUntilMs);
  }

  /** What failed may be tried at once: there is a new decision. */
  hurry(): void {
    for (const target of this.#targets.values()) target.waitUntilMs = 0;
  }

  isSending(name: string): boolean {
    return this.#targets.get(name)?.isSending ?? false;
  }

  begin(name: string): void {
    const { failures = 0 } = this.#targets.get(name) ?? {};
    this.#targets.set(name, { isSending: true, failures, waitUntilMs: 0 });
  }

  end(name: string, { ok, nowMs }: { ok: boolean; nowMs: number }): void {
    const before = this.#targets.get(name)?.failures ?? 0;
    const failures = ok ? 0 : before + 1;
    const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** before);
    this.#targets.set(name, {
      isSending: false,
      failures,
      waitUntilMs: ok ? 0 : nowMs + backoffMs,
    });
  }
}

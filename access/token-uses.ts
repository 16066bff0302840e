import type { Clock } from "#platform/clock.ts";

/** When each token was used, as far as this process knows. */
export class TokenUses {
  /** Since when uses are known; epoch ms. */
  readonly sinceMs: number;
  readonly #clock: Clock;
  readonly #lastMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.sinceMs = clock.nowMs();
  }

  /** Finds tokens like the reader, and keeps when. */
  watch<Token extends { id: string }>(reader: {
    find(secret: string): Token | undefined;
  }): {
    find(secret: string): Token | undefined;
  } {
    return {
      find: (secret) => {
        const token = reader.find(secret);
        if (token !== undefined) this.#lastMs.set(token.id, this.#clock.nowMs());
        return token;
      },
    };
  }

  /** Undefined if it was not used since then. */
  lastMs(id: string): number | undefined {
    return this.#lastMs.get(id);
  }
}

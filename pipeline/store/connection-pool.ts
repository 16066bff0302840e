import type { Question } from "./questions.ts";
import { RecentUse } from "./recent-use.ts";

/** Askers whose recent use differs by less than this take turns. */
const SAME_USE_MS = 10;

type Asker = Pick<Question, "asker" | "signal">;
type Waiting<C> = { give(connection: C): void };

/**
 * Connections that are used by one question at a time. The next one is given to the waiting asker that used them least
 * lately, so that one with many questions does not delay the others; questions without an asker count as those of one.
 */
export class ConnectionPool<C> {
  readonly #size: number;
  readonly #idle: C[];
  readonly #perAsker: number;
  /** By asker, in the order of their turns if they used as much. */
  readonly #waiting = new Map<string | undefined, Waiting<C>[]>();
  /** Number of connections in use by each named asker. */
  readonly #used = new Map<string, number>();
  readonly #recent = new RecentUse();

  /** Settles when the last call of `useAll` has. */
  #lastOfAll: Promise<void> = Promise.resolve();

  /** `perAsker`: the most connections that a named asker uses at a time. */
  constructor(connections: readonly C[], perAsker: number = connections.length) {
    this.#size = connections.length;
    this.#idle = [...connections];
    this.#perAsker = perAsker;
  }

  get idle(): readonly C[] {
    return this.#idle;
  }

  /**
   * Runs `work` with a connection, as soon as it is the asker's turn.
   * @throws the reason of the signal if it aborts while waiting
   */
  async use<T>(question: Asker, work: (connection: C) => Promise<T>): Promise<T> {
    const { asker } = question;
    const connection = this.#takeIdle(asker) ?? (await this.#wait(question));
    const startMs = performance.now();
    try {
      return await work(connection);
    } finally {
      const endMs = performance.now();
      this.#recent.add(asker, endMs - startMs, endMs);
      this.#count(asker, -1);
      this.#idle.push(connection);
      this.#serveNext();
    }
  }

  /** Runs `work` while nothing else uses a connection. */
  async useAll<T>(question: Asker, work: (connection: C) => Promise<T>): Promise<T> {
    const { signal } = question;
    const before = this.#lastOfAll;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastOfAll = promise;
    // Without an asker, so that no limit applies to it.
    const useNext = (left: number): Promise<T> =>
      this.use({ asker: undefined, signal }, (connection) =>
        left === 1 ? work(connection) : useNext(left - 1),
      );
    try {
      // One at a time: two that have some of the connections each would wait for each other.
      await before;
      return await useNext(this.#size);
    } finally {
      resolve();
    }
  }

  #takeIdle(asker: string | undefined): C | undefined {
    if (!this.#mayUse(asker)) return undefined;
    const connection = this.#idle.pop();
    if (connection !== undefined) this.#count(asker, 1);
    return connection;
  }

  #mayUse(asker: string | undefined): boolean {
    return asker === undefined || (this.#used.get(asker) ?? 0) < this.#perAsker;
  }

  #count(asker: string | undefined, change: 1 | -1): void {
    if (asker === undefined) return;
    const used = (this.#used.get(asker) ?? 0) + change;
    if (used === 0) this.#used.delete(asker);
    else this.#used.set(asker, used);
  }

  #wait({ asker, signal }: Asker): Promise<C> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting<C> = {
        give: (connection) => {
          signal.removeEventListener("abort", leave);
          resolve(connection);
        },
      };
      const leave = (): void => {
        this.#remove(asker, waiting);
        reject(signal.reason);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener("abort", leave, { once: true });
      const turn = this.#waiting.get(asker);
      if (turn) turn.push(waiting);
      else this.#waiting.set(asker, [waiting]);
    });
  }

  #remove(asker: string | undefined, waiting: Waiting<C>): void {
    const rest = (this.#waiting.get(asker) ?? []).filter((it) => it !== waiting);
    if (rest.length === 0) this.#waiting.delete(asker);
    else this.#waiting.set(asker, rest);
  }

  /** Gives the idle connection to the asker whose turn it is, which then has the last turn. */
  #serveNext(): void {
    const nowMs = performance.now();
    const useOf = (asker: string | undefined): number =>
      Math.floor(this.#recent.ms(asker, nowMs) / SAME_USE_MS);
    const askers = [...this.#waiting.keys()].filter((asker) => this.#mayUse(asker));
    const [next] = askers.toSorted((a, b) => useOf(a) - useOf(b));
    const [first, ...rest] = this.#waiting.get(next) ?? [];
    const connection = first && this.#takeIdle(next);
    if (connection === undefined) return;
    this.#waiting.delete(next);
    if (rest.length > 0) this.#waiting.set(next, rest);
    first?.give(connection);
  }
}

import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#platform/clock.ts";

import type { Chunk, ReadPositions, Revocation, Source, SourceStatus } from "../source.ts";
import { RunningSource } from "./running-source.ts";
import type { ConfiguredSource } from "./sources-file.ts";

type Item = Chunk | Revocation;

export type OpenSourcesDeps = { clock: Clock; dataFolder: string; locksFolder: string };

/**
 * The configured sources that have an opener, as one source. Each is read on its own: one that fails is opened again,
 * and none delays another. They may be changed while they are read.
 */
export class OpenSources implements Source, AsyncDisposable {
  readonly #deps: OpenSourcesDeps;
  #wanted: readonly ConfiguredSource[] = [];
  readonly #running = new Map<string, RunningSource>();
  /** Results that are not yielded yet. */
  readonly #settled: { from: RunningSource; result: Promise<IteratorResult<Item>> }[] = [];
  #wake: (() => void) | undefined;

  constructor(deps: OpenSourcesDeps) {
    this.#deps = deps;
  }

  /** Changes what is read: sources that are not in the list any more end, when everything read of them is stored. */
  apply(sources: readonly ConfiguredSource[]): void {
    this.#wanted = sources.filter(({ kind }) => kind.open !== undefined);
    this.#wake?.();
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Item, void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    try {
      for (;;) {
        if (signal.aborted) for (const source of this.#running.values()) source.stop();
        else this.#adjust(positions);
        const turn = this.#settled.shift();
        if (turn) yield* this.#take(turn.from, await turn.result, signal);
        else if (signal.aborted && this.#isIdle()) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  /** Whether no source is asked for its next item. */
  #isIdle(): boolean {
    return [...this.#running.values()].every(({ isEnded }) => isEnded);
  }

  /** Stops what was removed or changed, and starts what is new. A changed source starts when its old one has ended. */
  #adjust(positions: ReadPositions): void {
    const wanted = new Map(this.#wanted.map((source) => [source.id, source]));
    for (const [id, running] of this.#running) {
      if (!isSame(running.source, wanted.get(id))) running.stop();
    }
    for (const [id, source] of wanted) {
      if (this.#running.has(id)) continue;
      const running = new RunningSource(source, this.#deps);
      this.#running.set(id, running);
      running.start(positions);
      this.#pull(running);
    }
  }

  *#take(from: RunningSource, result: IteratorResult<Item>, signal: AbortSignal): Generator<Item> {
    if (!result.done) {
      yield result.value;
      this.#pull(from);
      return;
    }
    from.isEnded = true;
    // When the program stops, sources stay open until everything is stored.
    if (!signal.aborted) this.#running.delete(from.source.id);
  }

  /** Without Promise.race: a source that stays pending would keep the items of all others alive. */
  #pull(from: RunningSource): void {
    const result = from.next();
    const settle = (): void => {
      this.#settled.push({ from, result });
      this.#wake?.();
    };
    result.then(settle, settle);
  }

  status(): SourceStatus[] {
    return [...this.#running.values()].flatMap((source) => source.status());
  }

  async confirm(): Promise<void> {
    for (const source of this.#running.values()) await source.confirm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of this.#running.values()) await source.close();
    this.#running.clear();
  }
}

const isSame = (a: ConfiguredSource, b: ConfiguredSource | undefined): boolean =>
  a.kind === b?.kind && isDeepStrictEqual(a.properties, b.properties);

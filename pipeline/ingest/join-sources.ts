import type { Chunk, Revocation, Source } from "#collectors/source.ts";

type Item = Chunk | Revocation;
type Turn = { from: AsyncIterator<Item>; next: Promise<IteratorResult<Item>> };

/** Merges several sources into one that yields items as they are ready, and ends with the last source. */
export function joinSources(sources: readonly Source[]): Source {
  return {
    async confirm() {
      for (const source of sources) await source.confirm?.();
    },
    async *read(positions, signal) {
      const iterators = sources.map((source) =>
        source.read(positions, signal)[Symbol.asyncIterator](),
      );
      // No Promise.race: a source that stays pending would keep the items of all others alive.
      const settled: Turn[] = [];
      let wake: (() => void) | undefined;
      const pull = (from: AsyncIterator<Item>): void => {
        const next = from.next();
        const settle = (): void => {
          settled.push({ from, next });
          wake?.();
        };
        next.then(settle, settle);
      };
      try {
        for (const iterator of iterators) pull(iterator);
        for (let open = iterators.length; open > 0;) {
          const turn = settled.shift();
          if (!turn) {
            await new Promise<void>((resolve) => (wake = resolve));
            continue;
          }
          const result = await turn.next;
          if (result.done) {
            open -= 1;
            continue;
          }
          yield result.value;
          pull(turn.from);
        }
      } finally {
        // A pending source ends when the signal aborts, or with its next item, which is not awaited any more.
        for (const iterator of iterators) iterator.return?.().catch(() => undefined);
      }
    },
  };
}

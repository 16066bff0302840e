import type { Chunk, Revocation, Source } from "#collectors/source.ts";

type Item = Chunk | Revocation;
type Turn = { from: AsyncIterator<Item>; result: IteratorResult<Item> };

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
      const turns = new Map<AsyncIterator<Item>, Promise<Turn>>();
      const pull = (from: AsyncIterator<Item>): void => {
        turns.set(
          from,
          from.next().then((result) => ({ from, result })),
        );
      };
      try {
        for (const iterator of iterators) pull(iterator);
        while (turns.size > 0) {
          const { from, result } = await Promise.race(turns.values());
          turns.delete(from);
          if (result.done) continue;
          yield result.value;
          pull(from);
        }
      } finally {
        // A pending source ends when the signal aborts, or with its next item, which is not awaited any more.
        for (const turn of turns.values()) turn.catch(() => undefined);
        for (const iterator of iterators) iterator.return?.().catch(() => undefined);
      }
    },
  };
}

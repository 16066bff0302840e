import type { Chunk, Source } from "#collectors/source.ts";

type Turn = { from: AsyncIterator<Chunk>; result: IteratorResult<Chunk> };

/** Several sources as one: chunks come as they are ready, each valid until the next is asked for; ends with the last. */
export function joinSources(sources: readonly Source[]): Source {
  return {
    async *read(positions, signal) {
      const iterators = sources.map((source) =>
        source.read(positions, signal)[Symbol.asyncIterator](),
      );
      const turns = new Map<AsyncIterator<Chunk>, Promise<Turn>>();
      const ask = (from: AsyncIterator<Chunk>): void => {
        turns.set(
          from,
          from.next().then((result) => ({ from, result })),
        );
      };
      try {
        for (const iterator of iterators) ask(iterator);
        while (turns.size > 0) {
          const { from, result } = await Promise.race(turns.values());
          turns.delete(from);
          if (result.done) continue;
          yield result.value;
          ask(from);
        }
      } finally {
        // One that is asked already ends with the signal, or with what it has.
        for (const iterator of iterators) void iterator.return?.();
      }
    },
  };
}

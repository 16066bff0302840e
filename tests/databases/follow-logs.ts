import { fileSource } from "#collectors/sources/files.ts";
import { UTC } from "#collectors/zone.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { openMemoryStore } from "#pipeline/store/memory-store.ts";
import { systemClock } from "#platform/clock.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What is stored of log files while they grow. Disposing it ends reading. */
export type FollowedLogs = AsyncDisposable & {
  /** All events of the dataset so far, in the order of the file. */
  events(dataset: string): Promise<Fields[]>;
};

const EVENTS_MAX = 10_000;

/** Reads the files as the indexer does, into a store in memory. Times without a zone are in UTC. */
export function followLogs(paths: readonly string[]): FollowedLogs {
  const store = openMemoryStore()();
  const source = fileSource({ paths: [...paths], follow: true, clock: systemClock });
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 100,
    foldEveryMs: 1_000,
  });
  const controller = new AbortController();
  const run = ingest.run(source, controller.signal);
  return {
    async events(dataset) {
      const found = await store.search({
        fromMs: 0,
        toMs: Number.MAX_SAFE_INTEGER,
        where: [{ field: "data_stream.dataset", op: "eq", value: dataset }],
        limit: EVENTS_MAX,
      });
      return found
        .map(({ fields }) => fields)
        .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await run;
      await source[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

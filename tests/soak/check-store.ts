import { runQuery } from "#pipeline/metrics/run-query.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";

import { numbersOf, type Written } from "./log-files.ts";

const SECOND_MS = 1_000;
const WINDOW_MS = 10 * SECOND_MS;
const LINES_MAX = 10_000;

export type StoredLines = {
  lines: number;
  stored: number;
  /** Lines that are missing although no file that had them was damaged. */
  lost: number;
  /** Lines that are missing because a file that had them was damaged. */
  inDamagedFiles: number;
  doubled: number;
  quarantined: number;
  /** Requests by the rollups. */
  requests: number;
};

/** Compares the store with what was written. `damaged`: `url.original` of the lines in damaged files. */
export async function checkStore(
  data: string,
  written: Written,
  damaged: ReadonlySet<string>,
): Promise<StoredLines> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  // Rollups that were damaged last are computed again, as the control plane would have done it.
  while (await store.compact());
  const seen = written.counts.map((count) => new Uint8Array(count));
  for (const range of windowsOf(written)) {
    for (const { url, count } of await linesIn(store, range)) {
      const { file, number } = numbersOf(url);
      const counts = seen[file];
      if (counts) counts[number] = (counts[number] ?? 0) + count;
    }
  }
  const mayMiss = seen.map(() => new Set<number>());
  for (const url of damaged) {
    const { file, number } = numbersOf(url);
    mayMiss[file]?.add(number);
  }
  const missing = (isDamaged: boolean): number =>
    sum(seen, (count, number, file) =>
      Number(count === 0 && (mayMiss[file]?.has(number) ?? false) === isDamaged),
    );
  const everything = { fromMs: written.fromMs - WINDOW_MS, toMs: endOf(written) };
  const count = async (metric: string, dataset: string): Promise<number> => {
    const where = [{ field: "data_stream.dataset", op: "eq", value: dataset }] as const;
    const { series } = await runQuery(store, { metric, where: [...where], ...everything });
    return series[0]?.value ?? 0;
  };
  return {
    lines: written.counts.reduce((total, lines) => total + lines, 0),
    stored: sum(seen, (times) => Number(times > 0)),
    lost: missing(false),
    inDamagedFiles: missing(true),
    doubled: sum(seen, (times) => Number(times > 1)),
    quarantined: await count("events", "quarterdeck.quarantine"),
    requests: await count("requests", "nginx.access"),
  };
}

type Range = { fromMs: number; toMs: number };

const endOf = ({ toMs, futureMs }: Written): number => Math.max(toMs, ...futureMs) + WINDOW_MS;

/** Ranges with all lines, none of which has more than the store returns at once. */
function windowsOf(written: Written): Range[] {
  const starts: number[] = [];
  const first = Math.floor(written.fromMs / WINDOW_MS) * WINDOW_MS;
  for (let fromMs = first; fromMs <= written.toMs; fromMs += WINDOW_MS) starts.push(fromMs);
  for (const atMs of written.futureMs) starts.push(Math.floor(atMs / WINDOW_MS) * WINDOW_MS);
  return [...new Set(starts)].map((fromMs) => ({ fromMs, toMs: fromMs + WINDOW_MS }));
}

async function linesIn(store: EventStore, range: Range): Promise<{ url: string; count: number }[]> {
  const rows = await store.aggregate({
    ...range,
    where: [{ field: "data_stream.dataset", op: "eq", value: "nginx.access" }],
    aggregate: { kind: "count" },
    by: { field: "url.original", limit: LINES_MAX },
  });
  if (rows.length === LINES_MAX) throw new Error("more lines in a window than can be compared");
  return rows.flatMap(({ by, value }) => (by === null ? [] : [{ url: by, count: value }]));
}

function sum(
  seen: readonly Uint8Array[],
  of: (count: number, number: number, file: number) => number,
): number {
  let total = 0;
  for (const [file, counts] of seen.entries()) {
    for (const [number, count] of counts.entries()) total += of(count, number, file);
  }
  return total;
}

import type { Database } from "./database.ts";

/**
 * Monitors the lag of replicas. A replica is stale if it has not replayed what the primary had written `STALE_MS` ago
 * (its stream is interrupted), if it was promoted, or if it does not respond. Every replica counts as stale until it
 * has replayed the primary's position at the first check. While the primary is down nothing is written, so no replica
 * becomes stale.
 */
export type LagWatch = { isStale(replica: Database): boolean; stop(): void };

const EVERY_MS = 1_000;
const STALE_MS = 10_000;
const RESPONSE_MS_MAX = 2_500;

export function createLagWatch(options: {
  primary: Database;
  replicas: readonly Database[];
}): LagWatch {
  const { primary, replicas } = options;
  const stale = new Set(replicas);
  /** Times of unanswered requests by replica. */
  const pending = new Map<Database, number>();
  let written: { lsn: string; atMs: number }[] = [];

  async function look(): Promise<void> {
    const nowMs = performance.now();
    const [row] = await primary
      .query("SELECT pg_current_wal_insert_lsn()::text AS lsn")
      .catch(() => []);
    if (row !== undefined) written.push({ lsn: String(row["lsn"]), atMs: nowMs });
    const old = written.filter(({ atMs }) => atMs <= nowMs - STALE_MS);
    const due = old.at(-1) ?? written[0];
    written = written.slice(Math.max(0, old.length - 1));
    if (due !== undefined) await Promise.all(replicas.map((it) => compare(it, due.lsn)));
  }

  async function compare(replica: Database, due: string): Promise<void> {
    const sinceMs = pending.get(replica);
    if (sinceMs !== undefined) {
      if (performance.now() - sinceMs > RESPONSE_MS_MAX) stale.add(replica);
      return;
    }
    pending.set(replica, performance.now());
    const [row] = await replica
      .query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS reached", [due])
      .catch(() => [])
      .finally(() => pending.delete(replica));
    if (row === undefined) return; // It does not respond; replicas.ts skips it.
    if (row["reached"] === true) stale.delete(replica);
    else stale.add(replica);
  }

  if (replicas.length === 0) return { isStale: () => false, stop: () => undefined };
  void look();
  const timer = setInterval(() => void look(), EVERY_MS).unref();
  return {
    isStale: (replica) => stale.has(replica),
    stop: () => clearInterval(timer),
  };
}

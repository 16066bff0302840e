import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database, Queryable } from "./database.ts";
import { createLagWatch } from "./replica-lag.ts";

/** Streaming replicas of a primary, for reads that may be slightly stale. */
export type Replicas = {
  /**
   * A replica that has replayed up to `after` (undefined: any replica), otherwise the primary. A replica that does
   * not respond is skipped for a while, and its queries are sent elsewhere.
   */
  reader(after: string | undefined): Promise<Queryable>;
  close(): Promise<void>;
};

type Replica = { database: Database; skippedUntilMs: number };

const SKIP_MS = 3_000;
/** Maximum time for which a reader waits for its own write to reach a replica before the primary is used. */
const CATCH_UP_MS_MAX = 100;
const CATCH_UP_STEP_MS = 5;
const LSN = /^[\dA-F]{1,8}\/[\dA-F]{1,8}$/;

export function createReplicas(options: {
  primary: Database;
  databases: readonly Database[];
  log: Log;
}): Replicas {
  const { primary, log } = options;
  const replicas = options.databases.map((database) => ({ database, skippedUntilMs: 0 }));
  const lag = createLagWatch({ primary, replicas: options.databases });
  let turn = 0;

  /** The replicas that can be used now, in round-robin order. */
  function usable(): Replica[] {
    turn += 1;
    const nowMs = performance.now();
    return [...replicas.slice(turn % replicas.length), ...replicas.slice(0, turn % replicas.length)]
      .filter((it) => it.skippedUntilMs <= nowMs)
      .filter((it) => !lag.isStale(it.database));
  }

  /** The replica's answer; undefined if it cannot be used. */
  async function tryReplica<T>(
    it: Replica,
    work: (from: Database) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work(it.database);
    } catch (error) {
      if (isConflict(error)) return undefined;
      if (!(error instanceof AppError) || isTooLong(error)) throw error;
      it.skippedUntilMs = performance.now() + SKIP_MS;
      log.warn("a replica does not respond and is skipped", { error });
      return undefined;
    }
  }

  return {
    async reader(after) {
      for (const replica of usable()) {
        const reached = await tryReplica(replica, (from) => hasReached(from, after));
        if (reached !== true) continue;
        return {
          query: async (text, values) =>
            (await tryReplica(replica, (from) => from.query(text, values))) ??
            primary.query(text, values),
        };
      }
      return primary;
    },
    async close() {
      lag.stop();
      await Promise.all(options.databases.map((it) => it.close()));
    },
  };
}

/** Whether a replica has replayed everything up to a position; waits briefly for it. */
async function hasReached(replica: Database, after: string | undefined): Promise<boolean> {
  if (after === undefined || !LSN.test(after)) return true;
  const untilMs = performance.now() + CATCH_UP_MS_MAX;
  for (;;) {
    const [row] = await replica.query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS reached", [
      after,
    ]);
    if (row?.["reached"] === true) return true;
    if (performance.now() >= untilMs) return false;
    await delay(CATCH_UP_STEP_MS);
  }
}

/** A statement that took too long here would take as long on another server. */
const isTooLong = ({ cause }: AppError): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "57014";

/** The replica cancelled the query because of a conflict with replay. It is healthy; the query is sent elsewhere. */
const isConflict = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "40001";

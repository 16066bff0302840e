import type { Database, Queryable } from "#platform/postgres/database.ts";

import type { Bucket } from "../domain/throttle.ts";

class Refused extends Error {}

/** Maximum difference between the clocks of workers. */
const CLOCK_STEP_MS = 3_600_000;

/*
 * A bucket is stored as the time `full_at_ms` at which it will be full again: a token that is taken adds `refill_ms`. A
 * time that has passed means that it is full, and an empty bucket has the greatest possible time:
 */
const fullAtIfEmpty = (bucket: "excluded" | "throttle"): string =>
  `($1::bigint + ${bucket}.burst * ${bucket}.refill_ms)`;
/** Whether the row was written before the clock was set back. */
const IS_OUTDATED = `t.full_at_ms > ${fullAtIfEmpty("excluded")} + ${CLOCK_STEP_MS}`;

/**
 * Takes a token from every bucket, or from none. @returns 0 if all had one, else ms until the next attempt. A single
 * statement locks the rows in order, so that concurrent attempts neither exceed the limit nor deadlock. An outdated
 * bucket counts as full.
 */
export async function takeTokens(
  database: Database,
  buckets: readonly Bucket[],
  nowMs: number,
): Promise<number> {
  try {
    await database.transaction(async (tx) => {
      const taken = await tx.query(
        `INSERT INTO throttle AS t (key, full_at_ms, refill_ms, burst)
         SELECT key, $1::bigint + refill_ms, refill_ms, burst
           FROM unnest($2::bytea[], $3::bigint[], $4::int[]) AS b (key, refill_ms, burst) ORDER BY key
         ON CONFLICT (key) DO UPDATE SET refill_ms = excluded.refill_ms, burst = excluded.burst,
             full_at_ms = excluded.refill_ms + CASE
               WHEN ${IS_OUTDATED} THEN $1
               ELSE GREATEST(t.full_at_ms, $1) END
           WHERE GREATEST(t.full_at_ms, $1) + excluded.refill_ms <= ${fullAtIfEmpty("excluded")} OR ${IS_OUTDATED}
         RETURNING 1`,
        [
          nowMs,
          buckets.map((it) => it.key),
          buckets.map((it) => it.refillMs),
          buckets.map((it) => it.burst),
        ],
      );
      if (taken.length < buckets.length) throw new Refused();
    });
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const [row] = await database.query(
      `SELECT max(full_at_ms + refill_ms - ${fullAtIfEmpty("throttle")}) AS wait
       FROM throttle WHERE key = ANY($2)`,
      [nowMs, buckets.map((it) => it.key)],
    );
    return Math.max(1_000, Number(row?.["wait"] ?? 0));
  }
}

/** Returns one token to each bucket after a successful attempt; buckets in `reset` become full. */
export async function returnTokens(
  db: Queryable,
  buckets: readonly Bucket[],
  reset: readonly string[],
): Promise<void> {
  const isReset = (it: Bucket): boolean => reset.includes(it.name);
  await db.query(
    `WITH rows AS (SELECT key FROM throttle WHERE key = ANY($1) ORDER BY key FOR UPDATE)
     UPDATE throttle SET full_at_ms = CASE WHEN throttle.key = ANY($2) THEN 0 ELSE full_at_ms - refill_ms END
     FROM rows WHERE throttle.key = rows.key`,
    [buckets.map((it) => it.key), buckets.filter(isReset).map((it) => it.key)],
  );
}

export async function deleteFullBuckets(db: Queryable, nowMs: number): Promise<void> {
  await db.query("DELETE FROM throttle WHERE full_at_ms < $1", [nowMs]);
}

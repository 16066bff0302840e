import { gaugeMeasure } from "./gauge-measure.ts";

const SAMPLED = "of a database server, when its statistics were sampled";

/** The states of database servers, of which a source samples the statistics. */
export const databaseConnections = gaugeMeasure("db_connections", {
  field: "db.connections.used",
  title: "Database connections",
  unit: "count",
  meaning: `Connections of clients ${SAMPLED}.`,
});

export const databaseLockWaits = gaugeMeasure("db_lock_waits", {
  field: "db.locks.waiting",
  title: "Waits for locks",
  unit: "count",
  meaning: `Requests that waited for a lock ${SAMPLED}.`,
});

export const replicationLag = gaugeMeasure("db_replication_lag", {
  field: "db.replication.lag",
  title: "Replication lag",
  unit: "ms",
  meaning: `How far a replica was behind its primary ${SAMPLED}; of a primary, its slowest replica.`,
});

export const cacheHitRatio = gaugeMeasure("db_cache_hit_ratio", {
  field: "db.cache.hit_ratio",
  title: "Hits of the database cache",
  unit: "ratio",
  meaning: `The share of pages that were in the cache ${SAMPLED}, since the sample before.`,
});

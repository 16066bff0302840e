import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Database, poolDatabase } from "./database.ts";
import { patientDatabase } from "./patient-database.ts";
import { type Replicas, createReplicas } from "./replicas.ts";

/** The database of one service: the primary and its replicas. */
export type ServiceDatabase = Database &
  Pick<Replicas, "reader"> & {
    /** The current position in the write-ahead log; undefined without replicas. */
    lastWrite(): Promise<string | undefined>;
  };

export type ServiceDatabaseOptions = {
  url: string;
  replicaUrls: readonly string[];
  /** The service's own schema, the only one that its SQL uses. */
  schema: string;
  connectionsMax?: number;
  log: Log;
};

const ATTEMPTS_MAX = 3;
/** Serialization failure and deadlock: the database rolled back one of two conflicting transactions. */
const RETRYABLE = new Set(["40001", "40P01"]);

export function openServiceDatabase(options: ServiceDatabaseOptions): ServiceDatabase {
  const { log, schema } = options;
  const open = (url: string): Database =>
    poolDatabase(url, {
      schema,
      ...(options.connectionsMax === undefined ? {} : { connectionsMax: options.connectionsMax }),
      onError: (error) => log.warn("a connection to PostgreSQL was lost", { error }),
    });
  const primary = patientDatabase(open(options.url));
  const replicas =
    options.replicaUrls.length === 0
      ? undefined
      : createReplicas({ primary, databases: options.replicaUrls.map(open), log });
  return {
    ...primary,
    transaction: (work) => withRetries(() => primary.transaction(work)),
    reader: async (after) => (await replicas?.reader(after)) ?? primary,
    async lastWrite() {
      if (replicas === undefined) return undefined;
      const [row] = await primary
        .query("SELECT pg_current_wal_insert_lsn()::text AS lsn")
        // The write has succeeded, so a failure to get its position must not fail the request.
        .catch(() => []);
      return row === undefined ? undefined : String(row["lsn"]);
    },
    async close() {
      await Promise.all([primary.close(), replicas?.close()]);
    },
  };
}

/** A database without replicas, for the HTTP kit. */
export const withoutReplicas = (database: Database): ServiceDatabase => ({
  ...database,
  reader: async () => database,
  lastWrite: async () => undefined,
});

/** Repeats a transaction that was rolled back because of a conflict. */
async function withRetries<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && RETRYABLE.has(String(error.code)))) {
        throw error;
      }
      if (attempt === ATTEMPTS_MAX) {
        throw new AppError(
          "unavailable",
          "Too many concurrent changes of the same data. Try again.",
          {
            cause: error,
            waitMs: 1_000,
          },
        );
      }
    }
  }
}

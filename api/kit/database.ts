import type { Log } from "#platform/log.ts";
import { type Database, type Queryable, poolDatabase } from "#platform/postgres/database.ts";

/** The database of one service: the primary, and readers that may lag. */
export type ServiceDatabase = Database & {
  /**
   * Where a caller's reads that tolerate lag go: a replica that has everything up to `afterLsn`, else the primary.
   * `afterLsn` is what `lastWrite` gave after the caller's last write.
   */
  reader(afterLsn: string | undefined): Promise<Queryable>;
  /** Position in the write-ahead log after the last commit through this process. */
  lastWrite(): Promise<string | undefined>;
};

export type ServiceDatabaseOptions = {
  url: string;
  replicaUrls: readonly string[];
  /** The service's own schema: all that its SQL can name. */
  schema: string;
  connectionsMax?: number;
  log: Log;
};

export function openServiceDatabase(options: ServiceDatabaseOptions): ServiceDatabase {
  const primary = poolDatabase(options.url, {
    schema: options.schema,
    ...(options.connectionsMax === undefined ? {} : { connectionsMax: options.connectionsMax }),
    onError: (error) => options.log.warn("a connection to PostgreSQL broke", { error }),
  });
  return {
    ...primary,
    reader: () => Promise.resolve(primary),
    lastWrite: () => Promise.resolve(undefined),
  };
}

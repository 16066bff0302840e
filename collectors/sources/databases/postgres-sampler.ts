import type { Client, QueryResultRow } from "pg";

import { queryText, fingerprintOf } from "#collectors/formats/query-text.ts";
import { errorCode } from "#platform/errors.ts";

import { connectionError } from "./connection-error.ts";
import { hitRatio, Increases } from "./increases.ts";
import type { Sample, Sampler, ServerAddress, StatisticsEvent } from "./sampler.ts";

const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 10_000;
/** Statements that are compared with the sample before, and of these the ones with the most time that become events. */
const STATEMENTS_MAX = { compared: 1_000, stored: 100 };
const PREFIX = "postgresql.status.";
/** SQLSTATE of object_not_in_prerequisite_state. */
const NOT_LOADED = "55000";

const RIGHTS = `
  SELECT current_user AS name, rolsuper AS is_super,
    pg_has_role(current_user, 'pg_monitor', 'USAGE') AS may_monitor,
    current_setting('server_version') AS version,
    (SELECT extnamespace::regnamespace::text FROM pg_extension
      WHERE extname = 'pg_stat_statements') AS statements_schema
  FROM pg_roles WHERE rolname = current_user`;
/** A standby that has replayed everything has no lag, however long nothing was written. */
const STATE = `
  SELECT
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS used,
    (SELECT count(*) FROM pg_stat_activity WHERE state = 'active')::int AS active,
    (SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%')::int AS idle_in_transaction,
    current_setting('max_connections')::int AS max_connections,
    (SELECT count(*) FROM pg_locks WHERE NOT granted)::int AS waiting,
    (SELECT extract(epoch FROM now() - min(xact_start)) * 1000 FROM pg_stat_activity
      WHERE backend_type = 'client backend')::float8 AS oldest_transaction_ms,
    CASE
      WHEN NOT pg_is_in_recovery() THEN
        (SELECT extract(epoch FROM max(replay_lag)) * 1000 FROM pg_stat_replication)
      WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) * 1000
    END::float8 AS lag_ms,
    CASE WHEN pg_is_in_recovery()
      THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      ELSE (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) FROM pg_stat_replication)
    END::float8 AS lag_bytes`;
const COUNTERS = `
  SELECT sum(blks_hit)::float8 AS "blocks.hit", sum(blks_read)::float8 AS "blocks.read",
    sum(xact_commit)::float8 AS "transactions.committed",
    sum(xact_rollback)::float8 AS "transactions.rolled_back",
    sum(deadlocks)::float8 AS deadlocks, sum(conflicts)::float8 AS conflicts,
    sum(temp_bytes)::float8 AS "temporary_files.bytes",
    sum(tup_returned)::float8 AS "rows.returned", sum(tup_fetched)::float8 AS "rows.fetched",
    sum(tup_inserted)::float8 AS "rows.inserted", sum(tup_updated)::float8 AS "rows.updated",
    sum(tup_deleted)::float8 AS "rows.deleted"
  FROM pg_stat_database`;
/** The schema is quoted by PostgreSQL. */
const statementsIn = (schema: string): string => `
  SELECT concat_ws('/', s.dbid, s.userid, s.queryid) AS key, d.datname AS database, r.rolname AS "user",
    left(s.query, 16384) AS query, s.calls::float8 AS calls, s.total_exec_time AS time_ms,
    s.rows::float8 AS rows, s.shared_blks_hit::float8 AS hit, s.shared_blks_read::float8 AS read
  FROM ${schema}.pg_stat_statements s
    LEFT JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_roles r ON r.oid = s.userid
  WHERE s.queryid IS NOT NULL
  ORDER BY s.total_exec_time DESC LIMIT ${STATEMENTS_MAX.compared}`;

type Rights = QueryResultRow & {
  name: string;
  is_super: boolean;
  may_monitor: boolean;
  version: string;
  statements_schema: string | null;
};
type State = QueryResultRow & {
  used: number;
  active: number;
  idle_in_transaction: number;
  max_connections: number;
  waiting: number;
  oldest_transaction_ms: number | null;
  lag_ms: number | null;
  /** Also of a standby that replays nothing, whose time of lag its primary does not know. */
  lag_bytes: number | null;
};
type Statement = QueryResultRow & {
  key: string;
  database: string | null;
  user: string | null;
  query: string | null;
  calls: number;
  time_ms: number;
  rows: number;
  hit: number;
  read: number;
};
const COUNTED = ["calls", "time_ms", "rows", "hit", "read"] as const;

/** Statistics of PostgreSQL 13 and newer. The role needs pg_monitor, and for statements the extension pg_stat_statements. */
export class PostgresSampler implements Sampler {
  readonly dataset = "postgresql.status";
  readonly product = "PostgreSQL";
  readonly #server: () => Promise<ServerAddress>;
  readonly #counters = new Increases();
  readonly #statements = new Increases();
  /** Whether the sample before had all statements. */
  #hadAll = false;

  /** The address is read for each sample, as its password may change. */
  constructor(server: () => Promise<ServerAddress>) {
    this.#server = server;
  }

  async sample(): Promise<Sample> {
    const server = await this.#server();
    const { Client: PgClient } = (await import("pg")).default;
    const client = new PgClient({
      connectionString: server.url,
      application_name: "quarterdeck statistics",
      connectionTimeoutMillis: CONNECT_MS_MAX,
      statement_timeout: STATEMENT_MS_MAX,
      query_timeout: STATEMENT_MS_MAX,
    });
    // The error of a lost connection is that of the query.
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("BEGIN TRANSACTION READ ONLY");
      return await this.#read(client);
    } catch (error) {
      throw connectionError(error, server);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #read(client: Client): Promise<Sample> {
    const [rights] = (await client.query<Rights>(RIGHTS)).rows;
    const [state] = (await client.query<State>(STATE)).rows;
    const [counters] = (await client.query<Record<string, number | null>>(COUNTERS)).rows;
    if (!rights || !state || !counters) return { events: [], advice: [] };
    const status = this.#status(state, counters, rights.version);
    const { rows, advice } = await statementsOf(client, rights.statements_schema);
    const statements = rows ? this.#topStatements(rows) : [];
    return { events: [status, ...statements], advice: [...adviceFor(rights), ...advice] };
  }

  #status(state: State, counters: Record<string, number | null>, version: string): StatisticsEvent {
    const values = Object.entries(counters).map(([name, it]) => [name, it ?? 0] as const);
    const increases = this.#counters.take(new Map(values));
    const named = [...(increases ?? [])].map(([name, it]) => [`${PREFIX}${name}`, it] as const);
    return {
      "service.type": "postgresql",
      "service.version": version,
      "db.connections.used": state.used,
      "db.locks.waiting": state.waiting,
      "db.replication.lag": rounded(state.lag_ms),
      "db.cache.hit_ratio": hitRatio(increases?.get("blocks.hit"), increases?.get("blocks.read")),
      [`${PREFIX}replication.lag.bytes`]: state.lag_bytes ?? undefined,
      [`${PREFIX}connections.max`]: state.max_connections,
      [`${PREFIX}connections.active`]: state.active,
      [`${PREFIX}connections.idle_in_transaction`]: state.idle_in_transaction,
      [`${PREFIX}oldest_transaction.ms`]: rounded(state.oldest_transaction_ms),
      ...Object.fromEntries(named),
    };
  }

  /** What was executed since the sample before, by the time that it took. */
  #topStatements(rows: readonly Statement[]): StatisticsEvent[] {
    const counted = rows.flatMap((row) =>
      COUNTED.map((name) => [`${row.key} ${name}`, row[name]] as const),
    );
    // Statements that were not in a complete list were executed for the first time.
    const increases = this.#statements.take(new Map(counted), this.#hadAll ? 0 : undefined);
    this.#hadAll = rows.length < STATEMENTS_MAX.compared;
    if (!increases) return [];
    const increased = rows.map((row) => {
      const by = COUNTED.map((name) => [name, increases.get(`${row.key} ${name}`) ?? 0] as const);
      return { ...row, ...Object.fromEntries(by) };
    });
    return increased
      .filter(({ calls }) => calls > 0)
      .toSorted((a, b) => b.time_ms - a.time_ms)
      .slice(0, STATEMENTS_MAX.stored)
      .map(statementEvent);
  }
}

/** The last query of a transaction, as it may fail. */
async function statementsOf(
  client: Client,
  schema: string | null,
): Promise<{ rows?: Statement[]; advice: string[] }> {
  if (schema === null) {
    return {
      advice: ["there are no statistics of statements: CREATE EXTENSION pg_stat_statements"],
    };
  }
  try {
    return { rows: (await client.query<Statement>(statementsIn(schema))).rows, advice: [] };
  } catch (error) {
    if (errorCode(error) !== NOT_LOADED) throw error;
    const what =
      "there are no statistics of statements: add pg_stat_statements to shared_preload_libraries";
    return { advice: [what] };
  }
}

function statementEvent({ query, database, user, ...counts }: Statement): StatisticsEvent {
  const text = queryText(query ?? "", "postgresql");
  return {
    "data_stream.dataset": "postgresql.statement",
    "service.type": "postgresql",
    "user.name": user ?? undefined,
    "postgresql.statement.database.name": database ?? undefined,
    ...(text !== "" && { "db.query.text": text, "db.query.fingerprint": fingerprintOf(text) }),
    "postgresql.statement.query.calls": counts.calls,
    "postgresql.statement.query.rows": counts.rows,
    "postgresql.statement.query.time.total.ms": counts.time_ms,
    "postgresql.statement.query.time.mean.ms": counts.time_ms / counts.calls,
    "postgresql.statement.query.memory.shared.hit": counts.hit,
    "postgresql.statement.query.memory.shared.read": counts.read,
  };
}

const rounded = (ms: number | null): number | undefined =>
  ms === null ? undefined : Math.max(0, Math.round(ms));

function adviceFor({ name, is_super: isSuper, may_monitor: mayMonitor }: Rights): string[] {
  const advice: string[] = [];
  if (isSuper) {
    advice.push(`the role ${name} is a superuser: use one that only has pg_monitor`);
  } else if (!mayMonitor) {
    advice.push(`the role ${name} sees only itself: GRANT pg_monitor TO "${name}"`);
  }
  return advice;
}

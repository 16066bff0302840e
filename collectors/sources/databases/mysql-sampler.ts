import type { Connection, RowDataPacket } from "mysql2/promise";

import { errorCode } from "#platform/errors.ts";

import { connectionError } from "./connection-error.ts";
import { hitRatio, Increases } from "./increases.ts";
import type { Sample, Sampler, ServerAddress, StatisticsEvent } from "./sampler.ts";

const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 10_000;
const PREFIX = "mysql.status.";
/** Counters of SHOW GLOBAL STATUS by the names of their increases. */
const COUNTERS: ReadonlyMap<string, string> = new Map([
  ["Questions", "questions"],
  ["Slow_queries", "slow_queries"],
  ["Com_select", "commands.select"],
  ["Com_insert", "commands.insert"],
  ["Com_update", "commands.update"],
  ["Com_delete", "commands.delete"],
  ["Com_commit", "transactions.committed"],
  ["Com_rollback", "transactions.rolled_back"],
  ["Aborted_connects", "connections.refused"],
  ["Aborted_clients", "connections.aborted"],
  ["Bytes_received", "bytes.received"],
  ["Bytes_sent", "bytes.sent"],
  ["Created_tmp_disk_tables", "temporary_tables.on_disk"],
  ["Select_scan", "full_scans"],
  ["Innodb_row_lock_waits", "row_locks.waits"],
  ["Innodb_deadlocks", "deadlocks"],
  ["Innodb_buffer_pool_read_requests", "buffer_pool.requests"],
  ["Innodb_buffer_pool_reads", "buffer_pool.reads"],
]);
const MAY_NOT = new Set(["ER_SPECIFIC_ACCESS_DENIED_ERROR", "ER_ACCESS_DENIED_ERROR"]);
const REASON_CHARACTERS_MAX = 300;
const UNKNOWN_STATEMENT = "ER_PARSE_ERROR";

type Row = RowDataPacket & Record<string, unknown>;

/** Statistics of MySQL 5.7 and MariaDB 10.3 and newer. The user needs no rights but to see the state of replication. */
export class MysqlSampler implements Sampler {
  readonly dataset = "mysql.status";
  readonly product = "MySQL";
  readonly #server: () => Promise<ServerAddress>;
  readonly #counters = new Increases();

  /** The address is read for each sample, as its password may change. */
  constructor(server: () => Promise<ServerAddress>) {
    this.#server = server;
  }

  async sample(): Promise<Sample> {
    const server = await this.#server();
    const { createConnection } = await import("mysql2/promise");
    let connection: Connection | undefined;
    try {
      connection = await createConnection({
        uri: server.url,
        connectTimeout: CONNECT_MS_MAX,
        // No code is generated from the names of columns, which the server sends.
        disableEval: true,
      });
      return await read(connection, this.#counters);
    } catch (error) {
      throw connectionError(error, server);
    } finally {
      connection?.destroy();
    }
  }
}

async function read(connection: Connection, counters: Increases): Promise<Sample> {
  const status = await pairs(connection, "SHOW GLOBAL STATUS");
  const variables = await pairs(
    connection,
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'version')",
  );
  const replication = await replicationOf(connection);
  const grants = await rowsOf(connection, "SHOW GRANTS");
  const event = statusEvent({ status, variables, replication, counters });
  return { events: [event], advice: [...replication.advice, ...adviceFor(grants)] };
}

async function rowsOf(connection: Connection, sql: string): Promise<Row[]> {
  const [rows] = await connection.query<Row[]>({ sql, timeout: STATEMENT_MS_MAX });
  return rows;
}

async function pairs(connection: Connection, sql: string): Promise<Map<string, string>> {
  const rows = await rowsOf(connection, sql);
  return new Map(rows.map((row) => [String(row["Variable_name"]), String(row["Value"])]));
}

type Replication = { lagMs?: number; running?: 0 | 1; advice: string[] };

/** Of a replica; the statement has another name in old versions. */
async function replicationOf(connection: Connection): Promise<Replication> {
  for (const sql of ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"]) {
    try {
      const [row] = await rowsOf(connection, sql);
      return row ? replicaState(row) : { advice: [] };
    } catch (error) {
      const code = errorCode(error) ?? "";
      if (MAY_NOT.has(code)) return { advice: [LACKS_REPLICATION] };
      if (code !== UNKNOWN_STATEMENT) throw error;
    }
  }
  return { advice: [] };
}

/** A replica that is stopped knows no lag. */
function replicaState(row: Row): Replication {
  // The second name is that of MariaDB, and of MySQL before 8.0.22.
  const seconds = row["Seconds_Behind_Source"] ?? row["Seconds_Behind_Master"] ?? undefined;
  if (seconds !== undefined) return { lagMs: Number(seconds) * 1_000, running: 1, advice: [] };
  const reasons = [row["Last_IO_Error"], row["Last_SQL_Error"]].map((it) => String(it ?? ""));
  const why = reasons.find((it) => it !== "")?.slice(0, REASON_CHARACTERS_MAX) ?? "START REPLICA";
  return { running: 0, advice: [`replication is stopped: ${why}`] };
}

const LACKS_REPLICATION =
  "the user may not see the state of replication: GRANT REPLICATION CLIENT (MariaDB 10.5 and newer: REPLICA MONITOR) ON *.* TO it";

function adviceFor(grants: readonly Row[]): string[] {
  const hasAll = grants.some((row) =>
    Object.values(row).some((it) => String(it).startsWith("GRANT ALL PRIVILEGES ON *.*")),
  );
  return hasAll ? ["the user has all privileges: use one without any but REPLICATION CLIENT"] : [];
}

type State = {
  status: ReadonlyMap<string, string>;
  variables: ReadonlyMap<string, string>;
  replication: Replication;
  counters: Increases;
};

function statusEvent({ status, variables, replication, counters }: State): StatisticsEvent {
  const number = (name: string, values = status): number | undefined => {
    const value = Number(values.get(name) ?? "x");
    return Number.isNaN(value) ? undefined : value;
  };
  const now = [...COUNTERS].flatMap(([name, field]) => {
    const value = number(name);
    return value === undefined ? [] : [[field, value] as const];
  });
  const increases = counters.take(new Map(now));
  const reads = increases?.get("buffer_pool.reads");
  const requests = increases?.get("buffer_pool.requests");
  const hits = requests === undefined || reads === undefined ? undefined : requests - reads;
  const named = [...(increases ?? [])].map(([name, it]) => [`${PREFIX}${name}`, it] as const);
  return {
    "service.type": "mysql",
    "service.version": variables.get("version"),
    "db.connections.used": number("Threads_connected"),
    "db.locks.waiting": number("Innodb_row_lock_current_waits"),
    "db.replication.lag": replication.lagMs,
    "db.cache.hit_ratio": hitRatio(hits, reads),
    [`${PREFIX}replication.running`]: replication.running,
    [`${PREFIX}connections.max`]: number("max_connections", variables),
    [`${PREFIX}connections.active`]: number("Threads_running"),
    ...Object.fromEntries(named),
  };
}

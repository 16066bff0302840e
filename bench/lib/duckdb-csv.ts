/** DuckDB's own CSV reader on a combined log, into Parquet with the fields split: `node duckdb-csv.ts LOG PARQUET`. */
import { DuckDBInstance } from "@duckdb/node-api";

const [, , log = "", parquet = ""] = process.argv;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const columns = [
  "client",
  "ident",
  "auth",
  "time",
  "zone",
  "request",
  "status",
  "bytes",
  "referrer",
  "agent",
];
const types = columns.map((name) => `${quoted(name)}: 'VARCHAR'`).join(", ");

const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
await connection.run(`
  COPY (
    SELECT client, nullif(auth, '-') AS auth,
      strptime(time || ' ' || zone, '[%d/%b/%Y:%H:%M:%S %z]') AS "time",
      split_part(request, ' ', 1) AS method, split_part(request, ' ', 2) AS url,
      split_part(split_part(request, ' ', 2), '?', 1) AS path, split_part(request, ' ', 3) AS version,
      request, status::SMALLINT AS status, bytes::BIGINT AS bytes, referrer, agent
    FROM read_csv(${quoted(log)}, delim = ' ', quote = '"', escape = '\\', header = false, auto_detect = false,
      strict_mode = false, columns = {${types}})
  ) TO ${quoted(parquet)} (FORMAT parquet)`);
const reader = await connection.runAndReadAll(
  `SELECT status::VARCHAR, count(*)::DOUBLE FROM read_parquet(${quoted(parquet)}) GROUP BY 1`,
);
const statuses = Object.fromEntries(
  reader.getRows().map(([status, count]) => [String(status), Number(count)]),
);
process.stdout.write(JSON.stringify({ statuses }));

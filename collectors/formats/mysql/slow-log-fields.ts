import type { RowWriter } from "../text-line.ts";

export const SLOW_LOG = "mysql.slowlog.";
const NS_PER_SECOND = 1e9;
const NUMBER = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["Yes", true],
  ["No", false],
]);
/** Names that differ from the one in lower case, which MySQL, MariaDB and Percona Server write differently. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["QC_hit", "query_cache_hit"],
  ["QC_Hit", "query_cache_hit"],
  ["Lock_time", "lock_time.sec"],
  ["Errno", "last_errno"],
  ["Created_tmp_tables", "tmp_tables"],
  ["Created_tmp_disk_tables", "tmp_disk_tables"],
]);
/** Identifiers, which are no numbers. */
const TEXTS: ReadonlySet<string> = new Set(["innodb.trx_id", "log_slow_rate_type"]);
const INNODB = /^InnoDB_/;
const WAIT = /_wait$/;
const NAME = /^[A-Za-z][A-Za-z_]{0,63}$/;

/** Writes a value that precedes a slow statement, such as `Rows_sent: 1`. */
export function putCounter(name: string, value: string, row: RowWriter): void {
  if (name === "Id" || name === "Thread_id") row.extra("mysql.thread_id", numberOrText(value));
  else if (name === "Query_time") putDuration(value, row);
  else if (name === "Start") row.extra("event.start", value);
  else if (name === "End") row.extra("event.end", value);
  else if (name !== "Schema" && NAME.test(name)) {
    const field = fieldOf(name);
    row.extra(`${SLOW_LOG}${field}`, TEXTS.has(field) ? value : numberOrText(value));
  }
}

function fieldOf(name: string): string {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const lower = name.replace(INNODB, "innodb.").toLowerCase();
  return INNODB.test(name) && WAIT.test(lower) ? `${lower}.sec` : lower;
}

function putDuration(seconds: string, row: RowWriter): void {
  if (NUMBER.test(seconds))
    row.number("event.duration", Math.round(Number(seconds) * NS_PER_SECOND));
}

function numberOrText(value: string): number | string | boolean {
  return FLAGS.get(value) ?? (NUMBER.test(value) ? Number(value) : value);
}

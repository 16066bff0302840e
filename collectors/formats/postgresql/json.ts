import { parseJsonLine } from "../json-line.ts";
import type { LogRecord } from "./record.ts";

/** The columns of the CSV log by their names in the JSON log. */
const NAMES: Readonly<Record<string, keyof LogRecord>> = {
  timestamp: "log_time",
  user: "user_name",
  dbname: "database_name",
  pid: "process_id",
  remote_host: "remote_host",
  remote_port: "remote_port",
  session_id: "session_id",
  line_num: "session_line_num",
  ps: "command_tag",
  session_start: "session_start_time",
  vxid: "virtual_transaction_id",
  txid: "transaction_id",
  error_severity: "error_severity",
  state_code: "sql_state_code",
  message: "message",
  detail: "detail",
  hint: "hint",
  internal_query: "internal_query",
  internal_position: "internal_query_pos",
  context: "context",
  statement: "query",
  cursor_position: "query_pos",
  application_name: "application_name",
  backend_type: "backend_type",
  leader_pid: "leader_pid",
  query_id: "query_id",
};
const NAME_OF: ReadonlyMap<string, keyof LogRecord> = new Map(Object.entries(NAMES));
const NOT_POSTGRESQL = "not a PostgreSQL line: the JSON has no timestamp and error_severity";

/** Whether a line of the JSON log begins here. */
export const isJsonHead = (text: string): boolean =>
  text.startsWith("{") && text.includes('"error_severity":"');

/** The record of a line of the JSON log, or why it is none. */
export function jsonRecord(text: string): { record: LogRecord } | { reason: string } {
  const bytes = Buffer.from(text);
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return parsed;
  const { object } = parsed;
  const record: LogRecord = {};
  for (const [key, value] of Object.entries(object)) {
    const name = NAME_OF.get(key);
    if (name !== undefined && (typeof value === "string" || typeof value === "number"))
      record[name] = String(value);
  }
  const { log_time: time, error_severity: level } = record;
  if (time === undefined || level === undefined) return { reason: NOT_POSTGRESQL };
  const file = joined(object["file_name"], object["file_line_num"], ":");
  const location = joined(object["func_name"], file, ", ");
  if (location !== undefined) record.location = location;
  return { record };
}

function joined(head: unknown, tail: unknown, separator: string): string | undefined {
  const texts = [head, tail].filter((it) => typeof it === "string" || typeof it === "number");
  return texts.length === 0 ? undefined : texts.join(separator);
}

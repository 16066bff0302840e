import { isIP } from "node:net";

import type { Zone } from "#collectors/zone.ts";

import { putQuery } from "../query-text.ts";
import type { RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";
import { zoneOfAbbreviation } from "../zone-abbreviation.ts";
import { type Statement, statementIn } from "./message.ts";

/** The columns of the CSV log, in its order: PostgreSQL before 14 writes fewer. */
export const COLUMNS = [
  "log_time",
  "user_name",
  "database_name",
  "process_id",
  "connection_from",
  "session_id",
  "session_line_num",
  "command_tag",
  "session_start_time",
  "virtual_transaction_id",
  "transaction_id",
  "error_severity",
  "sql_state_code",
  "message",
  "detail",
  "hint",
  "internal_query",
  "internal_query_pos",
  "context",
  "query",
  "query_pos",
  "location",
  "application_name",
  "backend_type",
  "leader_pid",
  "query_id",
] as const;

/** A message of PostgreSQL, whatever `log_destination` wrote it. Unknown and empty fields are absent. */
export type LogRecord = {
  [K in (typeof COLUMNS)[number] | "remote_host" | "remote_port"]?: string;
};

const TIME = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)(?: ?(\S{1,10}))?$/;
const EPOCH = /^\d{10}\.\d{3}$/;
const UNKNOWN = /^\[(unknown)\]$/;
/** Successful completion, warning, no data: the classes of SQLSTATE that are no errors. */
const NO_ERROR = /^0[012]/;
const ERRORS = /^(?:ERROR|FATAL|PANIC)$/;
/** Levels of lines that add to the message before them. */
const ADDITIONS = /^(?:DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE)$/;

/** Epoch ms of `2026-03-14 10:11:12.345 CET`; NaN if it is not a time. */
function recordTime(text: string, zone: Zone): number {
  if (EPOCH.test(text)) return Math.round(Number(text) * 1000);
  const found = TIME.exec(text);
  if (!found) return Number.NaN;
  const bytes = Buffer.from(found[1] ?? "");
  const own = found[2] === undefined ? zone : zoneOfAbbreviation(found[2], zone);
  return parseTime(bytes, 0, bytes.length, own);
}

/** Returns why the record is rejected, or undefined if it was written. */
export function putRecord(record: LogRecord, row: RowWriter): string | undefined {
  const { zone } = row.context;
  const { log_time: time } = record;
  if (time !== undefined) {
    const refused = row.time(recordTime(time, zone), time);
    if (refused !== undefined) return refused;
    row.extra("postgresql.log.timestamp", time);
    row.text("event.timezone", TIME.exec(time)?.[2]);
  }
  putSession(record, row);
  putPeer(record, row);
  putMessage(record, row);
  return undefined;
}

function putSession(record: LogRecord, row: RowWriter): void {
  row.number("process.pid", record.process_id);
  row.text("user.name", known(record.user_name));
  row.extra("postgresql.log.database", known(record.database_name));
  row.extra("postgresql.log.application_name", known(record.application_name));
  row.extra("postgresql.log.backend_type", record.backend_type);
  row.extra("postgresql.log.command_tag", record.command_tag);
  row.extra("postgresql.log.session_id", record.session_id);
  putNumber("postgresql.log.session_line_number", record.session_line_num, row);
  row.extra("postgresql.log.virtual_transaction_id", record.virtual_transaction_id);
  putNumber("postgresql.log.transaction_id", record.transaction_id, row);
  row.extra("postgresql.log.query_id", record.query_id);
  putNumber("postgresql.log.leader_pid", record.leader_pid, row);
  const started = record.session_start_time;
  const startedMs = started === undefined ? Number.NaN : recordTime(started, row.context.zone);
  if (!Number.isNaN(startedMs)) {
    row.extra("postgresql.log.session_start_time", new Date(startedMs).toISOString());
  }
}

/** `[unknown]` is written for what is not known yet. */
const known = (text: string | undefined): string | undefined => text?.replace(UNKNOWN, "$1");

function putNumber(name: string, value: string | undefined, row: RowWriter): void {
  const number = Number(value ?? "x");
  if (Number.isSafeInteger(number)) row.extra(name, number);
}

function putPeer({ remote_host: host, remote_port: port }: LogRecord, row: RowWriter): void {
  row.extra("postgresql.log.client_addr", host);
  putNumber("postgresql.log.client_port", port, row);
  if (host === undefined || host === "[local]") return;
  row.text("source.address", host);
  if (isIP(host) !== 0) row.text("source.ip", host);
  row.number("source.port", port);
}

function putMessage(record: LogRecord, row: RowWriter): void {
  const { error_severity: level = "", message = "", sql_state_code: state } = record;
  row.text("log.level", level);
  row.text("message", message);
  row.extra("postgresql.log.sql_state_code", state);
  row.extra("postgresql.log.detail", record.detail);
  row.extra("postgresql.log.hint", record.hint);
  row.extra("postgresql.log.context", record.context);
  row.extra("postgresql.log.location", record.location);
  row.extra("postgresql.log.internal_query", record.internal_query);
  const isError = state === undefined ? ERRORS.test(level) : !NO_ERROR.test(state);
  row.text("event.type", isError ? "error" : "info");
  const { durationMs, step, name, plan, query = record.query } = statementOf(level, message);
  if (durationMs !== undefined) row.number("event.duration", Math.round(durationMs * 1e6));
  row.extra("postgresql.log.query_step", step);
  row.extra("postgresql.log.query_name", name);
  row.extra("postgresql.log.plan", plan);
  row.extra("postgresql.log.query", query);
  if (query !== undefined) putQuery(row, query, "postgresql");
}

function statementOf(level: string, message: string): Statement {
  if (level === "STATEMENT") return { query: message };
  return ADDITIONS.test(level) ? {} : statementIn(message);
}

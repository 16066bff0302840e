import type { Format } from "#collectors/format.ts";

import { isDigit, OPEN_BRACE, OPEN_BRACKET, QUOTE, textOf } from "../bytes.ts";
import { includes } from "../evidence.ts";
import { openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { csvRecord, isCsvHead } from "./csv.ts";
import { elasticDocument } from "./elastic.ts";
import { isJsonHead, jsonRecord } from "./json.ts";
import { HEAD_CHARS_MAX, headOf } from "./prefix.ts";
import { putRecord } from "./record.ts";

const TAB = 0x09;
/** In syslog, lines are numbered and tabs are escaped. */
const LINE_BREAK = /\n(?:\[\d{1,10}-\d{1,6}\] )?(?:\t|#011)/g;
const NEXT_IN_SYSLOG = /^\[\d{1,10}-(?!1\])\d{1,6}\] /;
const SEQUENCE_CHARS_MAX = 24;
const AFTER_LEVEL = ":  ";
const NO_HEAD =
  "not a PostgreSQL line: no level such as `LOG:  ` after a prefix, no columns of csvlog, no JSON of jsonlog";

/** The log of PostgreSQL, whatever `log_destination`: stderr with any `log_line_prefix`, csvlog, jsonlog. */
export const postgresqlLog: Format = {
  dataset: "postgresql.log",
  title: "PostgreSQL log",
  requests: "none",
  hasAnyText: true,
  traits: DATABASE_TRAITS,
  detection: { path: /postgres|pgsql|pg_log/i, evidence: () => 2 },
  usualPaths: [
    "/var/log/postgresql/*.log",
    "/var/log/postgresql/*.csv",
    "/var/log/postgresql/*.json",
    "/var/lib/pgsql/data/log/*.log",
    "/var/lib/pgsql/*/data/log/*.log",
    "/opt/homebrew/var/log/postgresql*.log",
  ],
  related: { "related.user": ["user.name"], "related.ip": ["source.ip"] },
  open(batch, context) {
    const scan = openTextLine(batch, context, read);
    return (bytes, start, end) =>
      mayBeHead(bytes, start, end) ? scan(bytes, start, end) : NO_HEAD;
  },
  begins(bytes, start, end) {
    if (bytes[start] === TAB) return false;
    const isJson = bytes[start] === OPEN_BRACE;
    const text = textOf(bytes, start, isJson ? end : Math.min(end, start + HEAD_CHARS_MAX));
    return isJson ? isJsonHead(text) : isCsvHead(text) || headOf(text) !== undefined;
  },
  // The lines of a message after its first one have a tab before them, except in csvlog.
  continues: (bytes, start, end) =>
    bytes[start] === TAB ||
    (bytes[start] === OPEN_BRACKET &&
      NEXT_IN_SYSLOG.test(textOf(bytes, start, Math.min(end, start + SEQUENCE_CHARS_MAX)))),
  quoting: {
    isOpenAfter(bytes, { start, end, wasOpen }) {
      if (!wasOpen && !beginsCsv(bytes, start, end)) return false;
      let isOpen = wasOpen;
      for (let i = start; i < end; i += 1) if (bytes[i] === QUOTE) isOpen = !isOpen;
      return isOpen;
    },
    mustBegin: beginsCsv,
  },
  toElastic: elasticDocument,
};

function beginsCsv(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    isDigit(bytes[start]) && isCsvHead(textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX)))
  );
}

/** Whether the line begins like csvlog or jsonlog, or has what follows a level; others are not decoded. */
function mayBeHead(bytes: Uint8Array, start: number, end: number): boolean {
  if (isDigit(bytes[start]) || bytes[start] === OPEN_BRACE) return true;
  return includes(bytes.subarray(start, Math.min(end, start + HEAD_CHARS_MAX)), AFTER_LEVEL);
}

function read(text: string, row: RowWriter): string | undefined {
  if (text.charCodeAt(0) === OPEN_BRACE) {
    if (!isJsonHead(text)) return NO_HEAD;
    const parsed = jsonRecord(text);
    return "reason" in parsed ? parsed.reason : putRecord(parsed.record, row);
  }
  if (isCsvHead(text.slice(0, HEAD_CHARS_MAX))) return putRecord(csvRecord(text), row);
  const head = headOf(text);
  if (!head) return NO_HEAD;
  const { prefix, level, length } = head;
  return putRecord({ ...prefix, ...messageOf(text.slice(length)), error_severity: level }, row);
}

/** With `log_error_verbosity = verbose`, the message has a SQLSTATE before it. */
const VERBOSE = /^((?=[\dA-Z]{0,4}\d)[\dA-Z]{5}): {1,2}/;

function messageOf(text: string): { message: string; sql_state_code?: string } {
  const state = VERBOSE.exec(text);
  const message = text.slice(state?.[0].length ?? 0).replaceAll(LINE_BREAK, "\n");
  return state ? { message, sql_state_code: state[1] ?? "" } : { message };
}

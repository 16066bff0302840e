import type { Format } from "#collectors/format.ts";

import { OPEN_BRACE, textOf } from "../bytes.ts";
import { openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { csvRecord, isCsvHead } from "./csv.ts";
import { elasticDocument } from "./elastic.ts";
import { isJsonHead, jsonRecord } from "./json.ts";
import { HEAD_CHARS_MAX, headOf } from "./prefix.ts";
import { putRecord } from "./record.ts";

const TAB = 0x09;
const TABS = /\n\t/g;
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
    return openTextLine(batch, context, read);
  },
  begins(bytes, start, end) {
    if (bytes[start] === TAB) return false;
    const isJson = bytes[start] === OPEN_BRACE;
    const text = textOf(bytes, start, isJson ? end : Math.min(end, start + HEAD_CHARS_MAX));
    return isJson ? isJsonHead(text) : isCsvHead(text) || headOf(text) !== undefined;
  },
  // The lines of a message after its first one have a tab before them, except in csvlog.
  continues: (bytes, start) => bytes[start] === TAB,
  toElastic: elasticDocument,
};

function read(text: string, row: RowWriter): string | undefined {
  if (text.charCodeAt(0) === OPEN_BRACE) {
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
  const message = text.slice(state?.[0].length ?? 0).replaceAll(TABS, "\n");
  return state ? { message, sql_state_code: state[1] ?? "" } : { message };
}

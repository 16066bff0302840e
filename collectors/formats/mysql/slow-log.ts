import type { Format } from "#collectors/format.ts";

import { textOf } from "../bytes.ts";
import { putQuery } from "../query-text.ts";
import { onlyAfter, openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { isBanner, isBannerLine } from "./banner.ts";
import { putPeer, RELATED } from "./peer.ts";
import { putCounter, SLOW_LOG } from "./slow-log-fields.ts";
import { mysqlTime, TIME } from "./time.ts";

const TIME_LINE = "# Time: ";
const USER_LINE = "# User@Host: ";
const USER =
  /^# User@Host: ([^[\s]{0,256})(?:\[([^\]]{0,256})\])? @ {0,2}(\S{0,256}) \[([^\]]{0,64})\]/;
const USE = /^use ([^\n]{1,256});$/;
const SET = /^SET (?:[^\n]{1,200},)?timestamp=(\d{1,11})(?:\.\d{1,6})?;$/;
const EXPLAIN = /^# explain: /;
/** Lines before a statement: more are part of it. */
const HEAD_LINES_MAX = 200;
const NO_HEAD = "not a slow query: it does not begin with `# Time: ` or `# User@Host: `";
/** Characters with which its lines begin. */
const FIRST = "#T/mC";

/** The slow query log of MySQL, MariaDB and Percona Server. */
export const mysqlSlowLog: Format = {
  dataset: "mysql.slowlog",
  title: "MySQL slow query log",
  requests: "none",
  hasAnyText: true,
  traits: DATABASE_TRAITS,
  detection: { path: /slow/i, evidence: () => 2 },
  usualPaths: ["/var/log/mysql/*slow*.log", "/var/lib/mysql/*-slow.log"],
  related: RELATED,
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  begins: (bytes, start, end) => startsWith(USER_LINE, bytes, start, end),
  precedes: (bytes, start, end) =>
    startsWith(TIME_LINE, bytes, start, end) || isBannerLine(bytes, start, end),
  toElastic(document) {
    for (const name of ["message", "source.address", "db.query.text", "db.query.fingerprint"])
      delete document[name];
    delete document[`${SLOW_LOG}explain`];
  },
};

const startsWith = (text: string, bytes: Uint8Array, start: number, end: number): boolean =>
  textOf(bytes, start, Math.min(end, start + text.length)) === text;

/** What the lines before a statement state. */
type Head = {
  time?: string;
  user?: RegExpExecArray;
  counters: Map<string, string>;
  explain: string[];
  schema?: string;
  /** Seconds since 1970. */
  timestamp?: string;
  /** What the server wrote when it opened the log. */
  banner: string[];
  /** Where the statement begins. */
  end: number;
};

function read(text: string, row: RowWriter): string | undefined {
  const head = headOf(text);
  const { time, user, banner } = head;
  if (time === undefined && !user && banner.length === 0) return NO_HEAD;
  const refused = putTime(head, row);
  if (refused !== undefined) return refused;
  if (!user) {
    row.text("message", banner.join("\n") || text);
    return undefined;
  }
  row.text("user.name", user[1]);
  row.extra(`${SLOW_LOG}current_user`, user[2]);
  putPeer(user[3], row);
  putPeer(user[4], row);
  for (const [name, value] of head.counters) putCounter(name, value, row);
  putSchema(head, row);
  row.extra(`${SLOW_LOG}explain`, head.explain.join("\n"));
  const statement = text.slice(head.end).trim();
  row.text("message", statement);
  row.extra(`${SLOW_LOG}query`, statement);
  putQuery(row, statement, "mysql");
  return undefined;
}

function headOf(text: string): Head {
  const head: Head = { counters: new Map(), explain: [], banner: [], end: 0 };
  for (let lines = 0; lines < HEAD_LINES_MAX && head.end < text.length; lines += 1) {
    const lineEnd = text.indexOf("\n", head.end);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const line = text.slice(head.end, end).trimEnd();
    const isLast = head.timestamp !== undefined;
    if (isLast || !readLine(line, head)) break;
    head.end = end + 1;
  }
  return head;
}

/** Whether the line precedes the statement. */
function readLine(line: string, head: Head): boolean {
  const user = USER.exec(line);
  const schema = USE.exec(line)?.[1];
  const timestamp = SET.exec(line)?.[1];
  if (user) {
    head.user = user;
    readCounters(line.slice(user[0].length), head);
  } else if (line.startsWith(TIME_LINE)) head.time = TIME.exec(line)?.[0] ?? line;
  else if (EXPLAIN.test(line)) head.explain.push(line.replace(EXPLAIN, ""));
  else if (line.startsWith("#") && !line.startsWith("# administrator command")) {
    readCounters(line.slice(1), head);
  } else if (schema !== undefined) head.schema = schema;
  else if (timestamp !== undefined) head.timestamp = timestamp;
  else if (!head.user && isBanner(line)) head.banner.push(line);
  else return false;
  return true;
}

/** `Schema:   QC_hit: No`: a value may be missing. */
function readCounters(text: string, { counters }: Head): void {
  let name = "";
  for (const token of text.split(/\s+/, 100)) {
    if (token.endsWith(":")) name = token.slice(0, -1);
    else if (name !== "") {
      counters.set(name, token);
      name = "";
    }
  }
}

/** That of the statement's begin, otherwise that of its entry. */
function putTime({ time, timestamp }: Head, row: RowWriter): string | undefined {
  if (timestamp !== undefined) return row.time(Number(timestamp) * 1000, timestamp);
  return time === undefined ? undefined : row.time(mysqlTime(time, row.context.zone), time);
}

/** The statement before may have changed the default schema. */
function putSchema({ schema, counters }: Head, row: RowWriter): void {
  const names = new Set([counters.get("Schema"), schema?.replaceAll("`", "")]);
  names.delete(undefined);
  row.extra(`${SLOW_LOG}schema`, names.size > 1 ? [...names] : [...names][0]);
}

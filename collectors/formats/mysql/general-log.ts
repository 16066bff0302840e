import type { Format } from "#collectors/format.ts";

import { textOf } from "../bytes.ts";
import { putQuery } from "../query-text.ts";
import { onlyAfter, openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { isBanner, isBannerLine } from "./banner.ts";
import { putPeer, RELATED } from "./peer.ts";
import { mysqlTime, TIME } from "./time.ts";

const COMMANDS =
  "Binlog Dump GTID|Binlog Dump|Bulk_execute|Change user|clone|Close stmt|Connect Out|Connect|Create DB|Daemon|Debug|Delayed insert|Drop DB|Error|Execute|Fetch|Field List|Init DB|Kill|Long Data|Ping|Prepare|Processlist|Query|Quit|Refresh|Register Replica|Register Slave|Reset Connection|Reset stmt|Set option|Shutdown|Sleep|Statistics|Table Dump|Time";
/** Versions before MySQL 5.7 and MariaDB omit the time of lines of the same second. */
const HEAD = new RegExp(String.raw`^(${TIME.source})?\t{1,2} *(\d{1,20}) (${COMMANDS})(?:\t|$)`);
const HEAD_CHARS_MAX = 256;
const STATEMENTS: ReadonlySet<string> = new Set(["Query", "Prepare", "Execute", "Bulk_execute"]);
const CONNECT = /^([^@\s]{0,256})@(\S{1,256})(?: (?:on|as \S{0,256} on) (\S{0,256}))?/;
const NO_HEAD =
  "not a line of the general query log: no time, thread and command such as `Query` at its beginning";
/** Characters with which its lines begin. */
const FIRST = "0123456789\tT/mC";

/** The general query log of MySQL and MariaDB: what clients sent. */
export const mysqlGeneral: Format = {
  dataset: "mysql.general",
  title: "MySQL general query log",
  requests: "none",
  hasAnyText: true,
  traits: DATABASE_TRAITS,
  detection: { path: /mysql.*\b(?:general|mysql|query)\b.*\.log/i, evidence: () => 2 },
  usualPaths: ["/var/log/mysql/mysql.log", "/var/log/mysql/general.log"],
  related: RELATED,
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  begins: (bytes, start, end) =>
    HEAD.test(textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX))),
  precedes: isBannerLine,
};

function read(text: string, row: RowWriter): string | undefined {
  let from = 0;
  // What the server writes when it opens the log may precede the first command.
  while (from < text.length && isBanner(lineAt(text, from))) {
    from += lineAt(text, from).length + 1;
  }
  if (from >= text.length) {
    row.text("message", text.trim());
    return from === 0 ? NO_HEAD : undefined;
  }
  const found = HEAD.exec(text.slice(from, from + HEAD_CHARS_MAX));
  if (!found) return NO_HEAD;
  const [all, time, thread, command = ""] = found;
  if (time !== undefined) {
    const refused = row.time(mysqlTime(time, row.context.zone), time);
    if (refused !== undefined) return refused;
  }
  row.extra("mysql.thread_id", Number(thread));
  row.extra("mysql.general.command", command);
  const argument = text.slice(from + all.length);
  row.text("message", argument === "" ? command : argument);
  if (STATEMENTS.has(command)) putQuery(row, argument, "mysql");
  if (command === "Connect") putConnection(argument, row);
  return undefined;
}

function lineAt(text: string, from: number): string {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.slice(from) : text.slice(from, end);
}

function putConnection(argument: string, row: RowWriter): void {
  const found = CONNECT.exec(argument);
  row.text("user.name", found?.[1]);
  putPeer(found?.[2], row);
  row.extra("mysql.general.schema", found?.[3]);
}

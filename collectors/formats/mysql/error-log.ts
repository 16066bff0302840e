import type { Format } from "#collectors/format.ts";

import { isDigit, OPEN_BRACE, textOf } from "../bytes.ts";
import { parseJsonLine } from "../json-line.ts";
import { jsonTime } from "../json-time.ts";
import { onlyAfter, openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { putPeer, RELATED } from "./peer.ts";
import { mysqlTime, TIME } from "./time.ts";

const LEVELS = "Note|Warning|Error|ERROR|System|Info|FATAL|Fatal";
const HEAD = new RegExp(
  String.raw`^(${TIME.source})[ \t]+(?:(\d{1,20}) )?[ \t]*(?:\[(${LEVELS})\][ \t]*)?(?:\[((?:MY|MAR)-\d{6})\] \[([\w-]{1,64})\] )?`,
);
/** Lines without a level: of old versions, and of the scripts that start the server. */
const WITHOUT_LEVEL =
  /^(?:\d{6} |.{10,40} (?:\d{1,20} )?(?:InnoDB|WSREP|mysqld|mariadbd|mysqld_safe|mariadbd-safe)[: ])/;
const HEAD_CHARS_MAX = 256;
const ERROR = /^(?:error|fatal)$/i;
const USER =
  /(?:\buser: '([^'\n]{1,256})'|Access denied for user '([^'\n]{0,256})'@'([^'\n]{1,256})')/;
const HOST = /\bhost: '([^'\n]{1,256})'/;
const SERVER_SOCKET = /^Server socket created on IP: '([\da-fA-F:.]{2,45})'/;
const ABORTED = /Aborted connection/;
const MESSAGE_CHARS_MAX = 4096;
const NO_HEAD = "not a MySQL error line: no time, or no level such as `[Note]`, at its beginning";
/** Characters with which its lines begin. */
const FIRST = "0123456789{";

/** The error log of MySQL and MariaDB, also as JSON. */
export const mysqlError: Format = {
  dataset: "mysql.error",
  title: "MySQL error log",
  requests: "none",
  hasAnyText: true,
  traits: DATABASE_TRAITS,
  detection: { path: /mysql|mariadb/i, evidence: () => 2 },
  usualPaths: [
    "/var/log/mysql/error.log",
    "/var/log/mysqld.log",
    "/var/log/mariadb/mariadb.log",
    "/var/lib/mysql/*.err",
    "/opt/homebrew/var/mysql/*.err",
  ],
  related: RELATED,
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  begins(bytes, start, end) {
    if (bytes[start] === OPEN_BRACE) return textOf(bytes, start, end).includes('"prio"');
    return (
      isDigit(bytes[start]) && isHead(textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX)))
    );
  },
  toElastic(document) {
    const isError = ERROR.test(String(document["log.level"]));
    document["event.type"] = isError ? ["info", "error"] : ["info"];
    // Elastic's module reads no users of aborted connections, and the address of the server as that of a client.
    const message = String(document["message"]);
    const address = SERVER_SOCKET.exec(message)?.[1];
    const hidden = ["source.address", "source.domain", "source.ip", "related.ip"];
    if (ABORTED.test(message)) hidden.push("user.name", "related.user");
    for (const name of hidden) delete document[name];
    if (address === undefined) return;
    document["source.ip"] = address;
    document["related.ip"] = [address];
  },
};

function isHead(text: string): boolean {
  const found = HEAD.exec(text);
  return found !== null && (found[3] !== undefined || WITHOUT_LEVEL.test(text));
}

function read(text: string, row: RowWriter): string | undefined {
  if (text.charCodeAt(0) === OPEN_BRACE) return readJson(text, row);
  const head = text.slice(0, HEAD_CHARS_MAX);
  const found = HEAD.exec(head);
  if (!found || !isHead(head)) return NO_HEAD;
  const [all, time = "", thread, level, code = "", provider = ""] = found;
  const refused = row.time(mysqlTime(time, row.context.zone), time);
  if (refused !== undefined) return refused;
  if (thread !== undefined) row.extra("mysql.thread_id", Number(thread));
  const coded = code === "" ? "" : `[${code}] [${provider}] `;
  putMessage(row, { level, code, provider, message: coded + text.slice(all.length) });
  return undefined;
}

/** A line of `component_log_sink_json`. */
function readJson(text: string, row: RowWriter): string | undefined {
  if (!text.includes('"prio"')) return NO_HEAD;
  const bytes = Buffer.from(text);
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return parsed.reason;
  const { time, thread, label, msg, err_code: code, subsystem } = parsed.object;
  if (typeof msg !== "string" || typeof label !== "string" || parsed.object["prio"] === undefined)
    return "not a MySQL error line: the JSON has no prio, label and msg";
  const refused = row.time(jsonTime(time, row.context.zone), String(time));
  if (refused !== undefined) return refused;
  if (typeof thread === "number") row.extra("mysql.thread_id", thread);
  const state = parsed.object["SQL_state"];
  if (typeof state === "string") row.extra("mysql.error.sql_state", state);
  putMessage(row, {
    level: label,
    code: typeof code === "number" ? `MY-${String(code).padStart(6, "0")}` : "",
    provider: typeof subsystem === "string" ? subsystem : "",
    message: msg,
  });
  return undefined;
}

type Message = { level: string | undefined; code: string; provider: string; message: string };

function putMessage(row: RowWriter, { level, code, provider, message }: Message): void {
  row.text("log.level", level);
  row.extra("event.code", code);
  row.extra("event.provider", provider);
  row.text("message", message);
  if (ERROR.test(level ?? "")) row.text("event.type", "error");
  const start = message.slice(0, MESSAGE_CHARS_MAX);
  const user = USER.exec(start);
  row.text("user.name", user?.[1] ?? user?.[2]);
  if (user) putPeer(user[3] ?? HOST.exec(start)?.[1], row);
}

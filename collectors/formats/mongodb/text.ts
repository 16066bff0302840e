import type { FormatContext } from "#collectors/format.ts";

import { isDigit } from "../bytes.ts";
import { putQuery } from "../query-text.ts";
import { syslogTime } from "../syslog-header.ts";
import type { RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";
import { type Access, putClient, putKind } from "./event.ts";

/** Versions before 2.6 write no year. */
const OLD_TIME = String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{3}`;
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:?\d\d)`;
/** Versions before 3.0 have no level and no component. */
const HEAD = new RegExp(
  String.raw`^(${TIME}|${OLD_TIME}) +(?:(F|E|W|I|D\d?) +([A-Z_]{2,20}|-) +(?:\[([^\]\n]{1,128})\])? *|\[([^\]\n]{1,128})\] +)`,
);
const HEAD_CHARS_MAX = 256;
const MESSAGE_CHARS_MAX = 16_384;
const NS_PER_MS = 1e6;
const FAILED =
  /^.{1,64}? authentication failed for (\S{1,256}) on \S{1,256} from client (\S{1,300}?) ?;/;
const SUCCEEDED = /^Successfully authenticated as principal (\S{1,256}) on /;
const REFUSED = /^Unauthorized: not authorized on /;
const CLIENT =
  /^(?:connection accepted from|end connection|received client metadata from) (\S{1,300})/;
const DURATION = / (\d{1,12})ms$/;
/** `command shop.orders command: find { find: "orders" } planSummary: …`, `query shop.orders query: { … } planSummary: …`. */
const COMMAND =
  /^(?:command|query|getmore|insert|update|remove) (\S{1,256}) (?:appName: "[^"]{0,256}" )?(?:command|query|originatingCommand): (.*?)(?= (?:planSummary|keysExamined|numYields|ntoreturn|keyUpdates|exception|nreturned|reslen|update): ?|$)/s;
const PLAN = / planSummary: ([A-Z_]{2,40})/;
const NO_HEAD =
  "not a MongoDB line: no time, level and component, such as `2026-03-14T10:11:12.345+0000 I NETWORK `";

export const isTextHead = (text: string): boolean => HEAD.test(text);

export function readText(text: string, row: RowWriter): string | undefined {
  const head = HEAD.exec(text.slice(0, HEAD_CHARS_MAX));
  if (!head) return NO_HEAD;
  const [all, time = "", level = "", component = "", context, oldContext] = head;
  const refused = row.time(timeOf(time, row.context), time);
  if (refused !== undefined) return refused;
  const message = text.slice(all.length);
  const start = message.slice(0, MESSAGE_CHARS_MAX);
  putKind({ level, component, access: putAccess(start, row) }, row);
  row.extra("mongodb.log.context", context ?? oldContext);
  row.text("message", message);
  putCommand(start, message, row);
  return undefined;
}

function timeOf(text: string, context: FormatContext): number {
  const isOld = !isDigit(text.charCodeAt(0));
  if (isOld) return syslogTime(text.slice(4, 19), context) + Number(text.slice(20));
  const bytes = Buffer.from(text);
  return parseTime(bytes, 0, bytes.length, context.zone);
}

function putAccess(message: string, row: RowWriter): Access | undefined {
  const failed = FAILED.exec(message);
  putClient(failed?.[2] ?? CLIENT.exec(message)?.[1], row);
  const succeeded = SUCCEEDED.exec(message);
  row.text("user.name", failed?.[1] ?? succeeded?.[1]);
  if (failed) return "failed";
  if (succeeded) return "succeeded";
  return REFUSED.test(message) ? "refused" : undefined;
}

/** Of a slow command, which ends with its duration. */
function putCommand(start: string, message: string, row: RowWriter): void {
  const command = COMMAND.exec(start);
  const duration = DURATION.exec(message.slice(-32));
  if (!command || !duration) return;
  row.number("event.duration", Number(duration[1]) * NS_PER_MS);
  const [, namespace = "", text = ""] = command;
  row.extra("mongodb.log.attr.ns", namespace);
  row.extra("mongodb.log.attr.planSummary", PLAN.exec(start)?.[1]);
  putQuery(row, `${namespace} ${text}`, "mongodb");
}

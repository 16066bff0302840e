import { flatten, parseJsonLine } from "../json-line.ts";
import { jsonTime } from "../json-time.ts";
import { putQueryText } from "../query-text.ts";
import type { RowWriter } from "../text-line.ts";
import { type Access, putClient, putKind } from "./event.ts";
import { commandShape } from "./shape.ts";

const NS_PER_MS = 1e6;
const NOT_MONGODB = "not a MongoDB line: the JSON has no t, s, c and msg";
const ACCESS: ReadonlyMap<string, Access> = new Map([
  ["Authentication succeeded", "succeeded"],
  ["Successfully authenticated", "succeeded"],
  ["Authentication failed", "failed"],
  ["Failed to authenticate", "failed"],
  ["Checking authorization failed", "refused"],
]);
const ADDRESS = /^\S{2,260}:\d{1,5}$/;
/** Commands are kept as JSON: as fields, they would have a name for each field of all collections. */
const WHOLE: ReadonlySet<string> = new Set(["command", "originatingCommand", "cmdObj", "locks"]);

type Attributes = Record<string, unknown>;

export function readJson(text: string, row: RowWriter): string | undefined {
  const bytes = Buffer.from(text);
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return parsed.reason;
  const { t: time, s: level, c: component, id, ctx, msg } = parsed.object;
  if (typeof level !== "string" || typeof component !== "string" || typeof msg !== "string")
    return NOT_MONGODB;
  const date = isObject(time) ? time["$date"] : undefined;
  if (date === undefined) return NOT_MONGODB;
  const refused = row.time(jsonTime(date, row.context.zone), JSON.stringify(date));
  if (refused !== undefined) return refused;
  putKind({ level, component, access: ACCESS.get(msg) }, row);
  row.text("message", msg);
  row.extra("mongodb.log.id", id);
  row.extra("mongodb.log.context", ctx);
  if (isObject(parsed.object["attr"])) putAttributes(parsed.object["attr"], row);
  return undefined;
}

function putAttributes(attributes: Attributes, row: RowWriter): void {
  const { principalName, user, remote, client, durationMillis, command, ns, error } = attributes;
  row.text("user.name", textOf(principalName) ?? textOf(user));
  // In other messages, the client is the name of a connection.
  putClient(textOf(remote) ?? ADDRESS.exec(textOf(client) ?? "")?.[0], row);
  if (typeof durationMillis === "number") {
    row.number("event.duration", Math.round(durationMillis * NS_PER_MS));
  }
  putError(error, row);
  if (isObject(command)) {
    putQueryText(row, `${textOf(ns) ?? ""} ${commandShape(command)}`.trimStart());
  }
  const whole: Attributes = {};
  const others: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (WHOLE.has(name)) whole[name] = JSON.stringify(value);
    else others[name] = value;
  }
  const fields = flatten(others) ?? [["all", JSON.stringify(others)] as const];
  for (const [name, value] of [...fields, ...Object.entries(whole)])
    row.extra(`mongodb.log.attr.${name}`, value);
}

function putError(error: unknown, row: RowWriter): void {
  if (typeof error === "string") row.text("error.message", error);
  if (!isObject(error)) return;
  row.text("error.message", textOf(error["errmsg"]));
  row.extra("error.type", textOf(error["codeName"]));
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

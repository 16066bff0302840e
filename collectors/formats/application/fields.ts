import { isNumberField, isTextField } from "#collectors/batch.ts";
import { isDuration, unitsOf } from "#collectors/duration-units.ts";
import type { NumberField, TextField } from "#collectors/fields.ts";

import { splitHostPort } from "../address.ts";
import { IGNORED_FIELDS, ignoredField } from "../ignored-fields.ts";
import { jsonTime } from "../json-time.ts";
import { isReserved } from "../reserved-fields.ts";
import type { RowWriter } from "../text-line.ts";
import { implausible } from "../time.ts";
import { traceIdsOf } from "../trace-context.ts";
import { levelName, typeOfLevel } from "./levels.ts";
import { roleOf, type Role } from "./names.ts";
import { errorOfTrace, framesText } from "./stack-trace.ts";
import { traceId } from "./trace-ids.ts";

type Field = { name: string; value: unknown };
/** The best field of each role. Those that cannot be used are left in it. */
type Found = Map<Role, Field & { rank: number }>;

const VERB = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|PROPFIND|QUERY)$/i;
const NS_PER_MS = 1e6;

/**
 * Writes the fields of an application's event, such as the members of a JSON object. Names that are not known keep their own
 * name. Returns why they are no event of an application: they have neither a level nor a message.
 */
export function putApplicationFields(
  row: RowWriter,
  fields: ReadonlyMap<string, unknown>,
): string | undefined {
  const found: Found = new Map();
  const others: Field[] = [];
  for (const [name, value] of fields) sort(found, others, { name, value });
  const level = take(found, "level", levelName);
  const message = take(found, "message", nonEmpty);
  if (level === undefined && message === undefined && !isRequest(found))
    return "not an application log: it has neither a level nor a message";
  putLevel(row, level);
  row.text("message", message);
  putTime(row, found);
  putProgram(row, found);
  putOrigin(row, found);
  putError(row, found, message !== undefined);
  putTrace(row, found);
  if (isRequest(found)) putRequest(row, found);
  for (const { name, value } of [...found.values(), ...others]) putOther(row, name, value);
  return undefined;
}

export function putLevel(row: RowWriter, level: string | undefined): void {
  row.text("log.level", level);
  row.text("event.type", typeOfLevel(level ?? "info"));
}

function sort(found: Found, others: Field[], field: Field): void {
  const known = roleOf(field.name);
  if (!known) {
    others.push(field);
    return;
  }
  const before = found.get(known.role);
  if (before && before.rank <= known.rank) others.push(field);
  else {
    if (before) others.push(before);
    found.set(known.role, { ...field, rank: known.rank });
  }
}

/** Removes the field of the role if its value can be used. */
function take<T>(found: Found, role: Role, use: (value: unknown) => T | undefined): T | undefined {
  const field = found.get(role);
  const used = field && use(field.value);
  if (used !== undefined) found.delete(role);
  return used;
}

const nonEmpty = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

const textOf = (value: unknown): string | undefined =>
  typeof value === "number" ? String(value) : nonEmpty(value);

const integerOf = (value: unknown): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && Number(number) >= 0 ? Number(number) : undefined;
};

function putTime(row: RowWriter, found: Found): void {
  const field = found.get("time");
  if (!field) return;
  found.delete("time");
  const { zone, nowMs } = row.context;
  const nanos = take(found, "nanos", integerOf) ?? 0;
  const ms = jsonTime(field.value, zone) + Math.floor(nanos / NS_PER_MS);
  if (implausible(ms, nowMs) === undefined) row.batch.number("@timestamp").put(row.batch.rows, ms);
  else {
    row.extra(IGNORED_FIELDS, [field.name]);
    row.extra(ignoredField(field.name), field.value);
  }
}

function putTexts(row: RowWriter, found: Found, roles: readonly (readonly [Role, TextField])[]) {
  for (const [role, field] of roles) row.text(field, take(found, role, textOf));
}

function putNumbers(
  row: RowWriter,
  found: Found,
  roles: readonly (readonly [Role, NumberField])[],
) {
  for (const [role, field] of roles) row.number(field, take(found, role, integerOf));
}

function putProgram(row: RowWriter, found: Found): void {
  // Bunyan names the program and the host, and pino's `name` is that of a logger.
  const name = take(found, "name", nonEmpty);
  const isBunyan = found.has("host") && found.has("pid") && !found.has("service");
  if (isBunyan) row.text("service.name", name);
  row.extra("log.logger", take(found, "logger", nonEmpty) ?? (isBunyan ? undefined : name));
  row.number("process.thread.id", take(found, "threadId", integerOf));
  const thread = found.get("thread")?.value;
  if (typeof thread === "string") row.extra("process.thread.name", take(found, "thread", nonEmpty));
  else row.number("process.thread.id", take(found, "thread", integerOf));
  putNumbers(row, found, [["pid", "process.pid"]]);
  putTexts(row, found, [
    ["processName", "process.name"],
    ["host", "host.name"],
    ["service", "service.name"],
    ["version", "service.version"],
    ["environment", "service.environment"],
    ["userId", "user.id"],
    ["userName", "user.name"],
    ["sessionId", "session.id"],
    ["requestId", "http.request.id"],
  ]);
}

/** The place in the source: a file, or `main.go:12`. */
function putOrigin(row: RowWriter, found: Found): void {
  const file = take(found, "file", nonEmpty);
  const [, name, line] = /^(.{1,1000}):(\d{1,9})$/.exec(file ?? "") ?? [];
  row.extra("log.origin.file.name", name ?? file);
  row.extra("log.origin.file.line", take(found, "fileLine", integerOf) ?? integerOf(line));
  row.extra("log.origin.function", take(found, "function", nonEmpty));
}

function putError(row: RowWriter, found: Found, hasMessage: boolean): void {
  const stack = take(found, "stack", stackText);
  const title = stack === undefined ? undefined : errorOfTrace(stack);
  const message = take(found, "errorMessage", nonEmpty) ?? title?.message;
  row.extra("error.type", take(found, "errorType", nonEmpty) ?? title?.type);
  row.text("error.message", message);
  row.extra("error.stack_trace", stack);
  row.extra("error.code", take(found, "errorCode", textOf));
  if (!hasMessage) row.text("message", message);
}

const stackText = (value: unknown): string | undefined =>
  Array.isArray(value) ? framesText(value) : nonEmpty(value);

function putTrace(row: RowWriter, found: Found): void {
  const { name = "" } = found.get("traceContext") ?? {};
  const header = take(found, "traceContext", (value) =>
    typeof value === "string" ? traceIdsOf(name, value) : undefined,
  );
  row.text("trace.id", take(found, "trace", traceId) ?? header?.trace);
  row.text("span.id", take(found, "span", traceId) ?? header?.span);
  row.text("transaction.id", take(found, "transaction", traceId));
}

const statusOf = (value: unknown): number | undefined => {
  const status = integerOf(value);
  return status !== undefined && status >= 100 && status < 600 ? status : undefined;
};

const methodOf = (value: unknown): string | undefined =>
  typeof value === "string" && VERB.test(value) ? value : undefined;

/** Whether the event is about an HTTP request: at least two of its method, URL and status are known. */
function isRequest(found: Found): boolean {
  const hasMethod = methodOf(found.get("method")?.value) !== undefined;
  const hasStatus = statusOf(found.get("status")?.value) !== undefined;
  const url = found.get("url")?.value;
  const hasUrl = typeof url === "string" && /^(?:\/|\*$|https?:\/\/)/.test(url);
  return Number(hasMethod) + Number(hasStatus) + Number(hasUrl) >= 2;
}

function putRequest(row: RowWriter, found: Found): void {
  row.text("http.request.method", take(found, "method", methodOf));
  row.number("http.response.status_code", take(found, "status", statusOf));
  putDuration(row, found);
  const client = splitHostPort(take(found, "client", nonEmpty) ?? "");
  row.text("source.address", client.host);
  row.number("source.port", client.port);
  const domain = splitHostPort(take(found, "domain", nonEmpty) ?? "");
  row.text("url.domain", domain.host);
  row.number("url.port", domain.port);
  putTexts(row, found, [
    ["url", "url.original"],
    ["agent", "user_agent.original"],
    ["referrer", "http.request.referrer"],
  ]);
  putNumbers(row, found, [
    ["clientPort", "source.port"],
    ["bytes", "http.response.body.bytes"],
  ]);
}

function putDuration(row: RowWriter, found: Found): void {
  const ms = take(found, "durationMs", (value) => (typeof value === "number" ? value : undefined));
  if (ms !== undefined) {
    row.number("event.duration", Math.round(ms * NS_PER_MS));
    return;
  }
  const field = found.get("duration");
  const text = textOf(field?.value) ?? "";
  if (!field || !isDuration(text)) return;
  const ns = unitsOf(row.context).nsOf(field.name.toLowerCase().replace(/^.*\./, ""), text);
  if (Number.isNaN(ns)) return;
  row.number("event.duration", ns);
  found.delete("duration");
}

/** Under its own name; a name that is a field of ECS must have a value of its type. */
function putOther(row: RowWriter, name: string, value: unknown): void {
  if (isReserved(name)) row.extra(`labels.${name}`, value);
  else if (isTextField(name)) {
    if (isFree(row, name) && textOf(value) !== undefined) row.text(name, textOf(value));
    else row.extra(`labels.${name}`, value);
  } else if (isNumberField(name)) {
    const number = integerOf(value);
    if (number === undefined) row.extra(`labels.${name}`, value);
    else row.number(name, number);
  } else row.extra(name, value);
}

const isFree = ({ batch }: RowWriter, name: TextField): boolean =>
  (batch.text(name).ids[batch.rows] ?? 0) === 0;

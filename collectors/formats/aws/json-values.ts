import { isIP } from "node:net";

import { jsonText } from "#collectors/json-text.ts";

import { jsonTime } from "../json-time.ts";
import type { RowWriter } from "../text-line.ts";

type Fields = ReadonlyMap<string, unknown>;

/** The value of a field that is a text or a number, as a text; undefined for other values and empty texts. */
export function textIn(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Writes the time of the event. Returns why it is invalid. */
export function putTime(fields: Fields, name: string, row: RowWriter): string | undefined {
  const value = fields.get(name);
  return row.time(jsonTime(value, row.context.zone), jsonText(value));
}

export function putSource(
  address: string | undefined,
  port: string | undefined,
  row: RowWriter,
): void {
  row.text("source.address", address);
  row.number("source.port", port);
}

export function putDestination(
  address: string | undefined,
  port: string | undefined,
  row: RowWriter,
): void {
  row.text("destination.address", address);
  if (isIP(address ?? "") !== 0) row.text("destination.ip", address);
  row.number("destination.port", port);
}

/** Stores the fields that are not under a name of ECS as they are, below the vendor's name. */
export function putOthers(
  fields: Fields,
  { vendor, known }: { vendor: string; known: ReadonlySet<string> },
  row: RowWriter,
): void {
  for (const [name, value] of fields) {
    if (!known.has(name)) row.extra(`${vendor}.${snakeCase(name)}`, value);
  }
}

/** `terminatingRuleId` is `terminating_rule_id`. */
const snakeCase = (name: string): string =>
  name.replaceAll(/([a-z\d])([A-Z])/g, "$1_$2").toLowerCase();

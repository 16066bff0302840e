import { isIP } from "node:net";

import { LIST_SEPARATOR } from "#collectors/fields.ts";

import { splitHostPort } from "../address.ts";
import type { RowWriter } from "../text-line.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);
const ERROR = /^[EF]$/;

/** Whether a client was identified, or what it may do was refused. */
export type Access = "succeeded" | "failed" | "refused";

/** Writes what the level and the component say about an event. */
export function putKind(
  { level, component, access }: { level: string; component: string; access: Access | undefined },
  row: RowWriter,
): void {
  row.text("log.level", level);
  row.extra("mongodb.log.component", component);
  const types = [typeOf(component)];
  if (ERROR.test(level)) types.push("error");
  if (access === "succeeded") types.push("logged-in");
  if (access === "failed") types.push("logon-failed");
  row.text("event.type", types.join(SEPARATOR));
  if (access === undefined) return;
  row.text("event.outcome", access === "succeeded" ? "success" : "failure");
  if (access !== "refused") {
    row.text("event.category", ["database", "authentication"].join(SEPARATOR));
  }
}

function typeOf(component: string): string {
  if (component === "ACCESS") return "access";
  return component === "WRITE" ? "change" : "info";
}

/** A client as `203.0.113.9:55406`. */
export function putClient(client: string | undefined, row: RowWriter): void {
  if (client === undefined) return;
  const { host, port } = splitHostPort(client);
  row.text("source.address", host);
  if (isIP(host) !== 0) row.text("source.ip", host);
  row.number("source.port", port);
}

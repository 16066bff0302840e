import { z } from "zod";

import { decodeCursor, encodeCursor } from "../http/cursor.ts";
import { type Route, route } from "../http/route.ts";
import { pageOf, pageQuery } from "../http/schema.ts";
import type { Queryable } from "../postgres/database.ts";
import type { DomainEvent, EventDefinition } from "./define-event.ts";

export const outboxMigration = {
  id: "kit-events",
  sql: `CREATE TABLE events (
    id bigserial PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    type text NOT NULL,
    subject text NOT NULL,
    at timestamptz NOT NULL,
    trace_id text,
    data jsonb NOT NULL
  );
  CREATE INDEX events_order ON events (xid, id)`,
};

export async function publishEvent(
  tx: Queryable,
  service: string,
  event: DomainEvent,
): Promise<void> {
  await tx.query(
    "INSERT INTO events (type, subject, at, trace_id, data) VALUES ($1, $2, $3, $4, $5)",
    [
      `${service}.${event.type}`,
      event.subject,
      new Date(event.atMs),
      event.traceId ?? null,
      JSON.stringify(event.data),
    ],
  );
}

const eventOf = <Type extends z.ZodType<string>, Data extends z.ZodType>(type: Type, data: Data) =>
  z.strictObject({
    id: z.string(),
    type,
    subject: z.string(),
    at: z.iso.datetime(),
    traceId: z.string().nullable(),
    data,
  });

/** Events of the declared types, and those that an earlier release published with other data. */
function eventSchema(service: string, events: readonly EventDefinition[]) {
  const known = events.map(({ type, data }) => eventOf(z.literal(`${service}.${type}`), data));
  const earlier = eventOf(z.string(), z.record(z.string(), z.unknown()));
  return z.union([...known, earlier]);
}

const Cursor = z.tuple([z.string().regex(/^\d{1,19}$/), z.string().regex(/^\d{1,18}$/)]);

/**
 * `GET /v1/events`: the domain events of a service from a cursor, oldest first. `next` is not null once there is an
 * event, so that a reader can continue later. Events after the oldest open transaction are withheld: it could still add
 * an event before them, which readers would miss.
 */
export function eventsRoute(service: string, events: readonly EventDefinition[]): Route {
  return route({
    method: "GET",
    path: "/v1/events",
    operationId: "listEvents",
    tag: "Events",
    summary: "Lists domain events, oldest first",
    description: `A feed for other services: continue from the last cursor. Every event is delivered at least once. Types: ${events.map(({ type }) => `${service}.${type}`).join(", ")}.`,
    rule: { allow: "permission", permission: `${service}:events:read` },
    query: pageQuery({}),
    reads: "replica",
    responses: {
      200: { description: "A page of events", body: pageOf(eventSchema(service, events)) },
    },
    async handle({ query, read }) {
      const [xid, id] = decodeCursor(Cursor, query.cursor) ?? ["0", "0"];
      const rows = await read.query(
        `SELECT id::text, xid::text, type, subject, at, trace_id, data FROM events
         WHERE (xid, id) > ($1::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY events.xid, events.id LIMIT $3`,
        [xid, id, query.limit],
      );
      const last = rows.at(-1);
      const next =
        last === undefined ? query.cursor : encodeCursor([String(last["xid"]), String(last["id"])]);
      return { status: 200, body: { items: rows.map(fromRow), next: next ?? null } };
    },
  });
}

const Row = z.object({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  at: z.date(),
  trace_id: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});

function fromRow(row: unknown) {
  const { trace_id: traceId, at, ...rest } = Row.parse(row);
  return { ...rest, at: at.toISOString(), traceId };
}

import { z } from "zod";

import { decodeCursor, encodeCursor } from "../http/cursor.ts";
import { type Route, route } from "../http/route.ts";
import { pageOf, pageQuery } from "../http/schema.ts";
import type { Queryable } from "../postgres/database.ts";

/** A fact that other services may want to know. */
export type DomainEvent = {
  /** `invoice.paid`; the service's name is put before it. */
  type: string;
  /** Id of what it is about. */
  subject: string;
  /** Epoch ms. */
  atMs: number;
  traceId?: string;
  data: Readonly<Record<string, unknown>>;
};

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

/** Appends a domain event in the transaction of what happened: both, or neither. */
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

const Event = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    subject: z.string(),
    at: z.iso.datetime(),
    traceId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "Event" });

const Cursor = z.tuple([z.string().regex(/^\d{1,19}$/), z.string().regex(/^\d{1,18}$/)]);

/**
 * `GET /v1/events`: what happened in a service, oldest first, from a cursor. The cursor of the last event is always
 * there, so that a reader can go on from it later. Events of transactions that are still open, and all that came after
 * them, are held back: no reader can pass an event that appears later.
 */
export function eventsRoute(service: string): Route {
  return route({
    method: "GET",
    path: "/v1/events",
    operationId: "listEvents",
    tag: "Events",
    summary: "What happened, oldest first",
    description:
      "A feed for other services: read it from the cursor where you stopped. Every event comes at least once.",
    rule: { allow: "permission", permission: `${service}:events:read` },
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of events", body: pageOf(Event) } },
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
      return { status: 200, body: { items: rows.map(eventOf), next: next ?? null } };
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

function eventOf(row: unknown): z.input<typeof Event> {
  const { trace_id: traceId, at, ...rest } = Row.parse(row);
  return { ...rest, at: at.toISOString(), traceId };
}

import { z } from "zod";

import { holds } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { notFound } from "../commands/sign-in.ts";
import { type AuditRow, readAudit } from "../repositories/audit.ts";
import { AUDIT } from "./account-access.ts";

const EntryBody = z
  .strictObject({
    id: z.string(),
    at: z.iso.datetime(),
    actor: z.string(),
    action: z.string(),
    outcome: z.enum(["success", "failure"]),
    subject: z.string().nullable(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    traceId: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AuditEntry" });

/** From where somebody else dealt with one's account is theirs; from where nobody known did is one's own to know. */
const withoutOrigin = (row: AuditRow, callerId: string): AuditRow =>
  row.actor === callerId || row.actor === "anonymous"
    ? row
    : { ...row, address: null, user_agent: null };

const entryBody = (row: AuditRow): z.input<typeof EntryBody> => ({
  id: String(row.id),
  at: row.at.toISOString(),
  actor: row.actor,
  action: row.action,
  outcome: row.outcome,
  subject: row.subject,
  address: row.address,
  userAgent: row.user_agent,
  traceId: row.trace_id,
  detail: row.detail,
});

const Cursor = z.tuple([z.int().min(1).max(Number.MAX_SAFE_INTEGER)]);

/** Every decision: the whole trail by permission, one's own entries by anybody. */
export const auditRoutes = (): Route[] => [
  route({
    method: "GET",
    path: "/v1/audit",
    operationId: "listAudit",
    tag: "Audit",
    summary: "Decisions, newest first: by and about oneself, or all by permission",
    rule: { allow: "own-or", permission: AUDIT },
    query: pageQuery({
      about: z.string().min(1).max(60).optional(),
      action: z.string().min(1).max(60).optional(),
      outcome: z.enum(["success", "failure"]).optional(),
    }),
    reads: "replica",
    answers: { 200: { description: "A page of entries", body: pageOf(EntryBody) } },
    async handle({ caller, query, read }) {
      const maySeeAll = holds(caller, AUDIT);
      if (!maySeeAll && query.about !== undefined && query.about !== caller.id) {
        throw notFound("thing of yours");
      }
      const { action, outcome, limit } = query;
      const [beforeId] = decodeCursor(Cursor, query.cursor) ?? [undefined];
      const about = maySeeAll ? query.about : caller.id;
      const rows = await readAudit(read, { about, action, outcome, beforeId, limit });
      const page = cutPage(rows, limit, {
        item: (it) => entryBody(maySeeAll ? it : withoutOrigin(it, caller.id)),
        cursor: (it) => [it.id],
      });
      return { status: 200, body: page };
    },
  }),
];

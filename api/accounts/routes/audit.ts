import { z } from "zod";

import { holds } from "#platform/http/caller.ts";
import { decodeCursor, pageResponse } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { iso, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { notFound } from "../commands/call-context.ts";
import { type AuditRow, readAudit } from "../repositories/audit.ts";

const AUDIT = "accounts:audit:read";

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

/** Hides the addresses of other accounts; addresses of anonymous attempts stay visible. */
const withoutOrigin = (row: AuditRow, callerId: string): AuditRow =>
  row.actor === callerId || row.actor === "anonymous"
    ? row
    : { ...row, address: null, userAgent: null };

const bodyOf = (row: AuditRow) =>
  toBody(EntryBody, { ...row, id: String(row.id), at: iso(row.atMs) });

const Cursor = z.tuple([z.int().min(1).max(Number.MAX_SAFE_INTEGER)]);

export const auditRoutes = (): Route[] => [
  route({
    method: "GET",
    path: "/v1/audit",
    operationId: "listAudit",
    tag: "Audit",
    summary: "List audit entries, newest first",
    description: "Without the permission: only those by or about the caller.",
    rule: { allow: "own-or", permission: AUDIT },
    query: pageQuery({
      about: z.string().min(1).max(60).optional(),
      action: z.string().min(1).max(60).optional(),
      outcome: z.enum(["success", "failure"]).optional(),
    }),
    reads: "replica",
    responses: { 200: { description: "A page of entries", body: pageOf(EntryBody) } },
    async handle({ caller, query, read }) {
      const maySeeAll = holds(caller, AUDIT);
      if (!maySeeAll && query.about !== undefined && query.about !== caller.id) {
        throw notFound("object of yours");
      }
      const [beforeId] = decodeCursor(Cursor, query.cursor) ?? [undefined];
      const about = maySeeAll ? query.about : caller.id;
      const rows = await readAudit(read, { ...query, about, beforeId });
      return pageResponse(rows, query, {
        item: (it) => bodyOf(maySeeAll ? it : withoutOrigin(it, caller.id)),
        cursor: (it) => [it.id],
      });
    },
  }),
];

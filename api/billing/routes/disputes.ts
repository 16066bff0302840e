import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";

import { acceptDispute, submitEvidence } from "../commands/disputes.ts";
import { DISPUTE_STATUSES } from "../domain/disputes.ts";
import { type Dispute, listDisputes, readDispute } from "../repositories/disputes.ts";
import { DisputeBody, Evidence, disputeBody } from "./payments-wire.ts";
import { listFrom } from "./wire.ts";

export const DISPUTES_READ = "billing:disputes:read";
export const DISPUTES_WRITE = "billing:disputes:write";

const params = z.strictObject({ disputeId: idOf("dsp") });

const answerOf = (status: 200, dispute: Dispute) => ({
  status,
  headers: etagOf(dispute.version),
  body: disputeBody(dispute),
});

const getDispute = route({
  method: "GET",
  path: "/v1/disputes/{disputeId}",
  operationId: "getDispute",
  tag: "Disputes",
  summary: "A dispute (chargeback)",
  rule: { allow: "permission", permission: DISPUTES_READ },
  params,
  reads: "replica",
  answers: { 200: { description: "The dispute", body: DisputeBody } },
  handle: async ({ params: { disputeId }, read }) =>
    answerOf(200, await readDispute(read, disputeId)),
});

const getDisputes = route({
  method: "GET",
  path: "/v1/disputes",
  operationId: "listDisputes",
  tag: "Disputes",
  summary: "Disputes, newest first",
  rule: { allow: "permission", permission: DISPUTES_READ },
  query: pageQuery({
    paymentId: idOf("pay").optional(),
    status: z.enum(DISPUTE_STATUSES).optional(),
  }),
  reads: "replica",
  answers: { 200: { description: "A page of disputes", body: pageOf(DisputeBody) } },
  async handle({ query, read }) {
    const { paymentId, status } = query;
    const rows = await listDisputes(read, { ...listFrom(query), paymentId, status });
    const by = {
      item: disputeBody,
      cursor: (it: Dispute) => [it.openedMs, it.id] as const,
    };
    return { status: 200, body: cutPage(rows, query.limit, by) };
  },
});

const evidenceRoute = (kit: Kit): Route =>
  route({
    method: "POST",
    path: "/v1/disputes/{disputeId}/evidence",
    operationId: "submitEvidence",
    tag: "Disputes",
    summary: "Contests a dispute, once and before its deadline",
    rule: { allow: "permission", permission: DISPUTES_WRITE },
    params,
    body: Evidence,
    idempotency: "optional",
    ifMatch: "required",
    answers: { 200: { description: "The bank reviews it", body: DisputeBody } },
    handle: ({ params: { disputeId }, body, write, nowMs, traceId, ifMatch }) =>
      write(async (tx) => {
        const given = Object.entries(body).flatMap(([name, words]) =>
          words === undefined ? [] : [[name, words] as const],
        );
        const dispute = await submitEvidence({ kit, tx, nowMs, traceId }, disputeId, {
          evidence: Object.fromEntries(given),
          check: ({ version }) => checkVersion(ifMatch, version),
        });
        return answerOf(200, dispute);
      }),
  });

const acceptRoute = (kit: Kit): Route =>
  route({
    method: "POST",
    path: "/v1/disputes/{disputeId}/accept",
    operationId: "acceptDispute",
    tag: "Disputes",
    summary: "Gives a dispute up: its money is lost",
    rule: { allow: "permission", permission: DISPUTES_WRITE },
    params,
    idempotency: "optional",
    ifMatch: "optional",
    answers: { 200: { description: "Lost", body: DisputeBody } },
    handle: ({ params: { disputeId }, write, nowMs, traceId, ifMatch }) =>
      write(async (tx) => {
        return answerOf(
          200,
          await acceptDispute({ kit, tx, nowMs, traceId }, disputeId, {
            check: ({ version }) => checkVersion(ifMatch, version),
          }),
        );
      }),
  });

export const disputeRoutes = (kit: Kit): Route[] => [
  getDisputes,
  getDispute,
  evidenceRoute(kit),
  acceptRoute(kit),
];

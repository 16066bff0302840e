import { z } from "zod";

import { pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, iso, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { acceptDispute, submitEvidence } from "../commands/disputes.ts";
import { DISPUTE_STATUSES } from "../domain/disputes.ts";
import type { BillingKit } from "../kit.ts";
import { type Dispute, listDisputes, readDispute } from "../repositories/disputes.ts";
import { Currency, Moment, UnboundedAmount, Version } from "./wire.ts";

const DISPUTES_READ = "billing:disputes:read";
const DISPUTES_WRITE = "billing:disputes:write";

const DisputeBody = z
  .strictObject({
    id: idOf("dsp"),
    paymentId: idOf("pay"),
    customerId: idOf("cus"),
    status: z.enum(DISPUTE_STATUSES),
    reason: z.string(),
    currency: Currency,
    amount: UnboundedAmount,
    fee: UnboundedAmount,
    excess: UnboundedAmount.describe("The disputed amount beyond what was left of the payment"),
    evidence: z.record(z.string(), z.string()).nullable(),
    evidenceDueBy: Moment,
    openedAt: Moment,
    closedAt: Moment.nullable(),
    version: Version,
  })
  .meta({ id: "Dispute" });

const Text = text({ max: 20_000 }).optional();
const Evidence = z
  .strictObject({
    explanation: Text,
    customerCommunication: Text,
    serviceDocumentation: Text,
    refundPolicy: Text,
    accessLog: Text,
  })
  .refine((it) => Object.values(it).some((words) => words !== undefined), {
    error: "give at least one kind of evidence, such as an explanation",
  })
  .meta({ id: "Evidence" });

const params = z.strictObject({ disputeId: idOf("dsp") });

const bodyOf = (it: Dispute) =>
  toBody(DisputeBody, { ...it, evidenceDueBy: iso(it.evidenceDueByMs) });

const getDispute = route({
  method: "GET",
  path: "/v1/disputes/{disputeId}",
  operationId: "getDispute",
  tag: "Disputes",
  summary: "Get a dispute (chargeback)",
  rule: { allow: "permission", permission: DISPUTES_READ },
  params,
  reads: "replica",
  responses: { 200: { description: "The dispute", body: DisputeBody } },
  handle: async ({ params: { disputeId }, read }) =>
    versioned(200, bodyOf(await readDispute(read, disputeId))),
});

const getDisputes = route({
  method: "GET",
  path: "/v1/disputes",
  operationId: "listDisputes",
  tag: "Disputes",
  summary: "List disputes, newest first",
  rule: { allow: "permission", permission: DISPUTES_READ },
  query: pageQuery({
    paymentId: idOf("pay").optional(),
    status: z.enum(DISPUTE_STATUSES).optional(),
  }),
  reads: "replica",
  responses: { 200: { description: "A page of disputes", body: pageOf(DisputeBody) } },
  async handle({ query, read }) {
    const { paymentId, status } = query;
    const rows = await listDisputes(read, { ...pageStart(query), paymentId, status });
    return pageResponse(rows, query, { item: bodyOf, cursor: (it) => [it.openedAtMs, it.id] });
  },
});

const evidenceRoute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/disputes/{disputeId}/evidence",
    operationId: "submitEvidence",
    tag: "Disputes",
    summary: "Contest a dispute with evidence",
    description: "Once, and before its deadline.",
    rule: { allow: "permission", permission: DISPUTES_WRITE },
    params,
    body: Evidence,
    idempotency: "optional",
    ifMatch: "required",
    responses: { 200: { description: "Under review by the bank", body: DisputeBody } },
    handle: ({ params: { disputeId }, body, write, nowMs, traceId, ifMatch }) =>
      write(async (tx) => {
        const given = Object.entries(body).flatMap(([name, words]) =>
          words === undefined ? [] : [[name, words] as const],
        );
        const dispute = await submitEvidence({ kit, tx, nowMs, traceId }, disputeId, {
          evidence: Object.fromEntries(given),
          check: ({ version }) => checkVersion(ifMatch, version),
        });
        return versioned(200, bodyOf(dispute));
      }),
  });

const acceptRoute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/disputes/{disputeId}/accept",
    operationId: "acceptDispute",
    tag: "Disputes",
    summary: "Accept a dispute: its amount is lost",
    rule: { allow: "permission", permission: DISPUTES_WRITE },
    params,
    idempotency: "optional",
    ifMatch: "optional",
    responses: { 200: { description: "Lost", body: DisputeBody } },
    handle: ({ params: { disputeId }, write, nowMs, traceId, ifMatch }) =>
      write(async (tx) => {
        const dispute = await acceptDispute({ kit, tx, nowMs, traceId }, disputeId, {
          check: ({ version }) => checkVersion(ifMatch, version),
        });
        return versioned(200, bodyOf(dispute));
      }),
  });

export const disputeRoutes = (kit: BillingKit): Route[] => [
  getDisputes,
  getDispute,
  evidenceRoute(kit),
  acceptRoute(kit),
];

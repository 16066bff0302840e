import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { issueCreditNote } from "../commands/issue-credit-note.ts";
import { fromWire } from "../domain/money.ts";
import type { BillingKit } from "../kit.ts";
import {
  type CreditNote,
  listCreditNotes,
  noCreditNote,
  readCreditNote,
} from "../repositories/credit-notes.ts";
import {
  Amount,
  Currency,
  Moment,
  PositiveAmount,
  requireOwner,
  visibleAccountId,
} from "./wire.ts";

const CreditNoteBody = z
  .strictObject({
    id: idOf("cn"),
    invoiceId: idOf("inv"),
    customerId: idOf("cus"),
    number: z.string(),
    currency: Currency,
    amount: PositiveAmount,
    tax: Amount.describe("Included in the amount"),
    reason: z.string(),
    createdAt: Moment,
  })
  .meta({ id: "CreditNote" });

const bodyOf = (it: CreditNote) => toBody(CreditNoteBody, it);

const READ = "billing:invoices:read";

const addCreditNote = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/credit-notes",
    operationId: "issueCreditNote",
    tag: "Invoices",
    summary: "Credit an invoice or a part of it",
    description:
      "Lowers the amount due; what was already paid becomes the customer's credit, which pays the next invoices. Limited to what is left of the invoice.",
    rule: { allow: "permission", permission: "billing:credit-notes:write" },
    body: z.strictObject({
      invoiceId: idOf("inv"),
      amount: PositiveAmount.optional().describe("Including tax; default: all that is left"),
      reason: text({ max: 500 }),
    }),
    idempotency: "required",
    responses: { 201: { description: "Issued", body: CreditNoteBody } },
    handle: ({ body, write, nowMs, traceId }) =>
      write(async (tx) => {
        const amount = body.amount === undefined ? undefined : fromWire(body.amount);
        const note = await issueCreditNote({ kit, tx, nowMs, traceId }, { ...body, amount });
        return { status: 201, body: bodyOf(note) };
      }),
  });

const getCreditNotes = route({
  method: "GET",
  path: "/v1/credit-notes",
  operationId: "listCreditNotes",
  tag: "Invoices",
  summary: "List credit notes, newest first",
  description: "Without the permission: only the caller's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ customerId: idOf("cus").optional(), invoiceId: idOf("inv").optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of credit notes", body: pageOf(CreditNoteBody) } },
  async handle({ query, caller, read }) {
    const accountId = visibleAccountId(caller, READ);
    const rows = await listCreditNotes(read, { ...query, ...pageStart(query), accountId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const getCreditNote = route({
  method: "GET",
  path: "/v1/credit-notes/{creditNoteId}",
  operationId: "getCreditNote",
  tag: "Invoices",
  summary: "Get a credit note",
  rule: { allow: "own-or", permission: READ },
  params: z.strictObject({ creditNoteId: idOf("cn") }),
  reads: "replica",
  responses: { 200: { description: "The credit note", body: CreditNoteBody } },
  async handle({ params: { creditNoteId: id }, caller, read }) {
    const note = await readCreditNote(read, id);
    await requireOwner(read, note, { caller, permission: READ, otherwise: noCreditNote(id) });
    return { status: 200, body: bodyOf(note) };
  },
});

export const creditNoteRoutes = (kit: BillingKit): Route[] => [
  addCreditNote(kit),
  getCreditNotes,
  getCreditNote,
];

import { z } from "zod";

import { mayActFor } from "#platform/http/caller.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text, iso } from "#platform/http/schema.ts";

import { issueCreditNote } from "../commands/issue-credit-note.ts";
import type { BillingDeps } from "../deps.ts";
import { fromWire } from "../domain/money.ts";
import {
  type CreditNote,
  listCreditNotes,
  noCreditNote,
  readCreditNote,
} from "../repositories/credit-notes.ts";
import { readCustomer } from "../repositories/customers.ts";
import {
  Amount,
  Currency,
  Moment,
  PositiveAmount,
  createdCursor,
  listFrom,
  visibleAccountId,
  wires,
} from "./wire.ts";

const CreditNoteBody = z
  .strictObject({
    id: idOf("cn"),
    invoiceId: idOf("inv"),
    customerId: idOf("cus"),
    number: z.string(),
    currency: Currency,
    amount: PositiveAmount,
    tax: Amount.describe("The part of the amount that is tax"),
    reason: z.string(),
    createdAt: Moment,
  })
  .meta({ id: "CreditNote" });

const bodyOf = ({ createdMs, ...it }: CreditNote): z.input<typeof CreditNoteBody> => ({
  ...it,
  ...wires(it, "amount", "tax"),
  createdAt: iso(createdMs),
});

const READ = "billing:invoices:read";

const addCreditNote = ({ kit }: BillingDeps): Route =>
  route({
    method: "POST",
    path: "/v1/credit-notes",
    operationId: "issueCreditNote",
    tag: "Invoices",
    summary: "Credits an invoice, or a part of it",
    description:
      "It lowers what is due; what was paid already becomes the customer's credit, which pays the next invoices. Never more than is left of the invoice.",
    rule: { allow: "permission", permission: "billing:credit-notes:write" },
    body: z.strictObject({
      invoiceId: idOf("inv"),
      amount: PositiveAmount.optional().describe("With tax; left out: all that is left"),
      reason: text({ max: 500 }),
    }),
    idempotency: "required",
    answers: { 201: { description: "Issued", body: CreditNoteBody } },
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
  summary: "Credit notes, newest first",
  description: "Without the permission: one's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ customerId: idOf("cus").optional(), invoiceId: idOf("inv").optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of credit notes", body: pageOf(CreditNoteBody) } },
  async handle({ query, caller, read }) {
    const { customerId, invoiceId } = query;
    const accountId = visibleAccountId(caller, READ);
    const rows = await listCreditNotes(read, {
      ...listFrom(query),
      customerId,
      invoiceId,
      accountId,
    });
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const getCreditNote = route({
  method: "GET",
  path: "/v1/credit-notes/{creditNoteId}",
  operationId: "getCreditNote",
  tag: "Invoices",
  summary: "A credit note",
  rule: { allow: "own-or", permission: READ },
  params: z.strictObject({ creditNoteId: idOf("cn") }),
  reads: "replica",
  answers: { 200: { description: "The credit note", body: CreditNoteBody } },
  async handle({ params: { creditNoteId }, caller, read }) {
    const note = await readCreditNote(read, creditNoteId);
    const { accountId } = await readCustomer(read, note.customerId);
    if (!mayActFor(caller, accountId, READ)) throw noCreditNote(creditNoteId);
    return { status: 200, body: bodyOf(note) };
  },
});

export const creditNoteRoutes = (deps: BillingDeps): Route[] => [
  addCreditNote(deps),
  getCreditNotes,
  getCreditNote,
];

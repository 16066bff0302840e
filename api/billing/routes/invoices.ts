import { z } from "zod";

import { holds, mayActFor } from "#platform/http/caller.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";

import { draftInvoice, finalizeInvoice, rewriteDraft } from "../commands/issue-invoice.ts";
import type { BillingDeps } from "../deps.ts";
import { requireNext } from "../domain/invoice.ts";
import { lockCustomer } from "../repositories/customers.ts";
import {
  deleteDraft,
  listInvoices,
  readLines,
  readInvoiceWithLines,
} from "../repositories/invoice-lines.ts";
import { lockInvoice, noInvoice } from "../repositories/invoices.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import {
  DraftInput,
  InvoiceBody,
  InvoiceStatusName,
  InvoiceSummary,
  invoiceOf,
  linesOf,
  summaryOf,
} from "./invoice-bodies.ts";
import { createdCursor, listFrom, visibleAccountId } from "./wire.ts";

const params = z.strictObject({ invoiceId: idOf("inv") });
const READ = "billing:invoices:read";
const WRITE = { allow: "permission", permission: "billing:invoices:write" } as const;

const addInvoice = ({ kit }: BillingDeps): Route =>
  route({
    method: "POST",
    path: "/v1/invoices",
    operationId: "addInvoice",
    tag: "Invoices",
    summary: "Writes an invoice by hand: a draft, or final at once",
    rule: WRITE,
    body: z.strictObject({
      customerId: idOf("cus"),
      ...DraftInput,
      finalize: z.boolean().default(false),
    }),
    idempotency: "optional",
    answers: { 201: { description: "Written", body: InvoiceBody } },
    handle: ({ body, write, nowMs, traceId }) =>
      write(async (tx) => {
        const context = { kit, tx, nowMs, traceId };
        const customer = await lockCustomer(tx, body.customerId);
        const draft = await draftInvoice(context, {
          ...body,
          subscriptionId: null,
          currency: customer.currency,
          taxRate: await taxRateFor(tx, customer.country),
          lines: linesOf(body),
        });
        const invoice = body.finalize ? await finalizeInvoice(context, draft) : draft;
        const lines = await readLines(tx, invoice.id);
        return { status: 201, headers: etagOf(invoice.version), body: invoiceOf(invoice, lines) };
      }),
  });

const getInvoices = route({
  method: "GET",
  path: "/v1/invoices",
  operationId: "listInvoices",
  tag: "Invoices",
  summary: "Invoices, newest first",
  description: "Without the permission: one's own, and no drafts.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({
    customerId: idOf("cus").optional(),
    subscriptionId: idOf("sub").optional(),
    status: InvoiceStatusName.optional(),
  }),
  reads: "replica",
  answers: { 200: { description: "A page of invoices", body: pageOf(InvoiceSummary) } },
  async handle({ query, caller, read }) {
    const { customerId, subscriptionId, status } = query;
    const accountId = visibleAccountId(caller, READ);
    const filter = { ...listFrom(query), customerId, subscriptionId, status, accountId };
    const rows = await listInvoices(read, filter);
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: summaryOf, cursor: createdCursor }),
    };
  },
});

const getInvoice = route({
  method: "GET",
  path: "/v1/invoices/{invoiceId}",
  operationId: "getInvoice",
  tag: "Invoices",
  summary: "An invoice with its lines",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  answers: { 200: { description: "The invoice", body: InvoiceBody } },
  async handle({ params: { invoiceId }, caller, read }) {
    const { invoice, lines, accountId } = await readInvoiceWithLines(read, invoiceId);
    // A draft is not yet anybody's business but of those who write it.
    const own = invoice.status !== "draft" && mayActFor(caller, accountId, READ);
    if (!own && !holds(caller, READ)) throw noInvoice(invoiceId);
    return { status: 200, headers: etagOf(invoice.version), body: invoiceOf(invoice, lines) };
  },
});

const putInvoice = ({ kit }: BillingDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/invoices/{invoiceId}",
    operationId: "rewriteInvoice",
    tag: "Invoices",
    summary: "Writes a draft anew",
    rule: WRITE,
    params,
    body: z.strictObject(DraftInput),
    ifMatch: "required",
    answers: { 200: { description: "Written", body: InvoiceBody } },
    handle: ({ params: { invoiceId }, body, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const before = await lockInvoice(tx, invoiceId);
        checkVersion(ifMatch, before.version);
        const context = { kit, tx, nowMs, traceId };
        const invoice = await rewriteDraft(context, before, { ...body, lines: linesOf(body) });
        const lines = await readLines(tx, invoiceId);
        return { status: 200, headers: etagOf(invoice.version), body: invoiceOf(invoice, lines) };
      }),
  });

const deleteInvoice = route({
  method: "DELETE",
  path: "/v1/invoices/{invoiceId}",
  operationId: "deleteInvoice",
  tag: "Invoices",
  summary: "Throws a draft away",
  rule: WRITE,
  params,
  ifMatch: "required",
  answers: { 204: { description: "Gone" } },
  handle: ({ params: { invoiceId }, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockInvoice(tx, invoiceId);
      checkVersion(ifMatch, before.version);
      requireNext(before.status, "edit");
      await deleteDraft(tx, invoiceId);
      return { status: 204 };
    }),
});

export const invoiceRoutes = (deps: BillingDeps): Route[] => [
  addInvoice(deps),
  getInvoices,
  getInvoice,
  putInvoice(deps),
  deleteInvoice,
];

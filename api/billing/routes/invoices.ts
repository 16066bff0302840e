import { z } from "zod";

import { holds, mayActFor } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";

import { draftInvoice, finalizeInvoice, rewriteDraft } from "../commands/issue-invoice.ts";
import { requireNext } from "../domain/invoice.ts";
import type { BillingKit } from "../kit.ts";
import { lockCustomer } from "../repositories/customers.ts";
import {
  deleteDraft,
  listInvoices,
  lockInvoice,
  noInvoice,
  readInvoiceWithLines,
  readLines,
} from "../repositories/invoices.ts";
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
import { visibleAccountId } from "./wire.ts";

const params = z.strictObject({ invoiceId: idOf("inv") });
const READ = "billing:invoices:read";
const WRITE = { allow: "permission", permission: "billing:invoices:write" } as const;

const addInvoice = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/invoices",
    operationId: "addInvoice",
    tag: "Invoices",
    summary: "Create an invoice, as a draft or finalised",
    rule: WRITE,
    body: z.strictObject({
      customerId: idOf("cus"),
      ...DraftInput,
      finalize: z.boolean().default(false),
    }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: InvoiceBody } },
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
        return versioned(201, invoiceOf(invoice, await readLines(tx, invoice.id)));
      }),
  });

const getInvoices = route({
  method: "GET",
  path: "/v1/invoices",
  operationId: "listInvoices",
  tag: "Invoices",
  summary: "List invoices, newest first",
  description: "Without the permission: only the caller's own, without drafts.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({
    customerId: idOf("cus").optional(),
    subscriptionId: idOf("sub").optional(),
    status: InvoiceStatusName.optional(),
  }),
  reads: "replica",
  responses: { 200: { description: "A page of invoices", body: pageOf(InvoiceSummary) } },
  async handle({ query, caller, read }) {
    const accountId = visibleAccountId(caller, READ);
    const rows = await listInvoices(read, { ...query, ...pageStart(query), accountId });
    return pageResponse(rows, query, { item: summaryOf, cursor: createdCursor });
  },
});

const getInvoice = route({
  method: "GET",
  path: "/v1/invoices/{invoiceId}",
  operationId: "getInvoice",
  tag: "Invoices",
  summary: "Get an invoice with its lines",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  responses: { 200: { description: "The invoice", body: InvoiceBody } },
  async handle({ params: { invoiceId }, caller, read }) {
    const { invoice, lines, accountId } = await readInvoiceWithLines(read, invoiceId);
    // Drafts are visible with the permission only.
    const own = invoice.status !== "draft" && mayActFor(caller, accountId, READ);
    if (!own && !holds(caller, READ)) throw noInvoice(invoiceId);
    return versioned(200, invoiceOf(invoice, lines));
  },
});

const putInvoice = (kit: BillingKit): Route =>
  route({
    method: "PUT",
    path: "/v1/invoices/{invoiceId}",
    operationId: "rewriteInvoice",
    tag: "Invoices",
    summary: "Replace a draft",
    rule: WRITE,
    params,
    body: z.strictObject(DraftInput),
    ifMatch: "required",
    responses: { 200: { description: "Updated", body: InvoiceBody } },
    handle: ({ params: { invoiceId }, body, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const before = await lockInvoice(tx, invoiceId);
        checkVersion(ifMatch, before.version);
        const context = { kit, tx, nowMs, traceId };
        const invoice = await rewriteDraft(context, before, { ...body, lines: linesOf(body) });
        const lines = await readLines(tx, invoiceId);
        return versioned(200, invoiceOf(invoice, lines));
      }),
  });

const deleteInvoice = route({
  method: "DELETE",
  path: "/v1/invoices/{invoiceId}",
  operationId: "deleteInvoice",
  tag: "Invoices",
  summary: "Delete a draft",
  rule: WRITE,
  params,
  ifMatch: "required",
  responses: { 204: { description: "Deleted" } },
  handle: ({ params: { invoiceId }, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockInvoice(tx, invoiceId);
      checkVersion(ifMatch, before.version);
      requireNext(before.status, "edit");
      await deleteDraft(tx, invoiceId);
      return { status: 204 };
    }),
});

export const invoiceRoutes = (kit: BillingKit): Route[] => [
  addInvoice(kit),
  getInvoices,
  getInvoice,
  putInvoice(kit),
  deleteInvoice,
];

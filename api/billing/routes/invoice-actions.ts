import { z } from "zod";

import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf } from "#platform/http/schema.ts";

import type { CommandContext } from "../commands/context.ts";
import { finalizeInvoice, voidInvoice } from "../commands/issue-invoice.ts";
import { writeOffInvoice } from "../commands/settle-invoice.ts";
import type { BillingDeps } from "../deps.ts";
import { readLines } from "../repositories/invoice-lines.ts";
import { type Invoice, lockInvoice } from "../repositories/invoices.ts";
import { InvoiceBody, invoiceOf } from "./invoice-bodies.ts";

type Action = {
  name: string;
  operationId: string;
  summary: string;
  description: string;
  act(context: CommandContext, invoice: Invoice): Promise<Invoice>;
};

/** What can be done to an invoice as a whole. */
const ACTIONS: readonly Action[] = [
  {
    name: "finalize",
    operationId: "finalizeInvoice",
    summary: "Makes a draft a claim",
    description: "It gets the next number, and nothing in it changes any more.",
    act: finalizeInvoice,
  },
  {
    name: "void",
    operationId: "voidInvoice",
    summary: "Takes back an open invoice that was wrong",
    description: "Its number stays taken. One that is partly paid is credited instead.",
    act: voidInvoice,
  },
  {
    name: "write-off",
    operationId: "writeOffInvoice",
    summary: "Gives up an open invoice: bad debt",
    description:
      "Money that comes in nevertheless is still taken. A subscription that waited for it goes on.",
    act: (context, { id }) => writeOffInvoice(context, context.tx, { ...context, invoiceId: id }),
  },
];

export const invoiceActionRoutes = ({ kit }: BillingDeps): Route[] =>
  ACTIONS.map(({ name, act, ...about }) =>
    route({
      ...about,
      method: "POST",
      path: `/v1/invoices/{invoiceId}/${name}`,
      tag: "Invoices",
      rule: { allow: "permission", permission: "billing:invoices:write" },
      params: z.strictObject({ invoiceId: idOf("inv") }),
      idempotency: "optional",
      ifMatch: "optional",
      answers: { 200: { description: "Done", body: InvoiceBody } },
      handle: ({ params: { invoiceId }, write, ifMatch, nowMs, traceId }) =>
        write(async (tx) => {
          const before = await lockInvoice(tx, invoiceId);
          checkVersion(ifMatch, before.version);
          const invoice = await act({ kit, tx, nowMs, traceId }, before);
          const lines = await readLines(tx, invoiceId);
          return { status: 200, headers: etagOf(invoice.version), body: invoiceOf(invoice, lines) };
        }),
    }),
  );

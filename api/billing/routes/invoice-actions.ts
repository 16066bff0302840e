import { z } from "zod";

import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf } from "#platform/http/schema.ts";

import type { CommandContext } from "../commands/context.ts";
import { finalizeInvoice, voidInvoice } from "../commands/issue-invoice.ts";
import { writeOffInvoice } from "../commands/settle-invoice.ts";
import type { BillingKit } from "../kit.ts";
import { type Invoice, lockInvoice, readLines } from "../repositories/invoices.ts";
import { InvoiceBody, invoiceOf } from "./invoice-bodies.ts";

type Action = {
  name: string;
  operationId: string;
  summary: string;
  description: string;
  run(context: CommandContext, invoice: Invoice): Promise<Invoice>;
};

const ACTIONS: readonly Action[] = [
  {
    name: "finalize",
    operationId: "finalizeInvoice",
    summary: "Finalise a draft",
    description: "The invoice gets the next number and its contents can no longer be changed.",
    run: finalizeInvoice,
  },
  {
    name: "void",
    operationId: "voidInvoice",
    summary: "Void an open invoice",
    description: "Its number stays used. A partly paid invoice is credited instead.",
    run: voidInvoice,
  },
  {
    name: "write-off",
    operationId: "writeOffInvoice",
    summary: "Write off an open invoice as bad debt",
    description:
      "It can still be paid later. A subscription that was unpaid because of it is reactivated.",
    run: (context, { id }) => writeOffInvoice(context, id),
  },
];

export const invoiceActionRoutes = (kit: BillingKit): Route[] =>
  ACTIONS.map(({ name, run, ...about }) =>
    route({
      ...about,
      method: "POST",
      path: `/v1/invoices/{invoiceId}/${name}`,
      tag: "Invoices",
      rule: { allow: "permission", permission: "billing:invoices:write" },
      params: z.strictObject({ invoiceId: idOf("inv") }),
      idempotency: "optional",
      ifMatch: "optional",
      responses: { 200: { description: "Done", body: InvoiceBody } },
      handle: ({ params: { invoiceId }, write, ifMatch, nowMs, traceId }) =>
        write(async (tx) => {
          const before = await lockInvoice(tx, invoiceId);
          checkVersion(ifMatch, before.version);
          const invoice = await run({ kit, tx, nowMs, traceId }, before);
          return versioned(200, invoiceOf(invoice, await readLines(tx, invoiceId)));
        }),
    }),
  );

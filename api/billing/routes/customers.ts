import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Caller, holds, mayActFor } from "#platform/http/caller.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Email, idOf, pageOf, pageQuery, text, iso } from "#platform/http/schema.ts";
import { newId } from "#platform/ids.ts";

import {
  type Customer,
  insertCustomer,
  listCustomers,
  lockCustomer,
  noCustomer,
  readCustomer,
  updateCustomer,
} from "../repositories/customers.ts";
import {
  AddedAmount,
  Country,
  Currency,
  Moment,
  Version,
  createdCursor,
  listFrom,
  visibleAccountId,
  wires,
} from "./wire.ts";

const CustomerBody = z
  .strictObject({
    id: idOf("cus"),
    accountId: z.string(),
    name: z.string(),
    email: z.string(),
    country: Country,
    currency: Currency,
    credit: AddedAmount.describe("Pays the next invoices, minor units"),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Customer" });

const AccountId = z
  .string()
  .regex(/^(?:acc|svc)_[0-9a-f]{24}$/, { error: "give the id of an account: acc_…" })
  .meta({ example: `acc_${"0".repeat(24)}` });
const Changeable = { name: text({ max: 200 }), email: Email, country: Country };
const params = z.strictObject({ customerId: idOf("cus") });

const bodyOf = ({ createdMs, ...it }: Customer): z.input<typeof CustomerBody> => ({
  ...it,
  ...wires(it, "credit"),
  createdAt: iso(createdMs),
});

/** @throws AppError not_found also where it is somebody else's */
export function checkCustomer(
  caller: Caller,
  customer: Pick<Customer, "id" | "accountId">,
  permission: string,
): void {
  if (!mayActFor(caller, customer.accountId, permission)) throw noCustomer(customer.id);
}

const READ = "billing:customers:read";
const WRITE = "billing:customers:write";

const addCustomer = route({
  method: "POST",
  path: "/v1/customers",
  operationId: "addCustomer",
  tag: "Customers",
  summary: "Makes an account a customer",
  description: "One for each account and currency. An account may do it for itself.",
  rule: { allow: "own-or", permission: WRITE },
  body: z.strictObject({ accountId: AccountId, ...Changeable, currency: Currency }),
  idempotency: "optional",
  answers: { 201: { description: "Added", body: CustomerBody } },
  handle: ({ body, caller, write, nowMs }) =>
    write(async (tx) => {
      if (!mayActFor(caller, body.accountId, WRITE)) {
        throw new AppError("forbidden", "accountId: an account can make only itself a customer.");
      }
      const customer = await insertCustomer(tx, { ...body, id: newId("cus"), createdMs: nowMs });
      if (customer === undefined) {
        throw new AppError(
          "conflict",
          `The account ${body.accountId} has a customer in ${body.currency} already: use that one.`,
        );
      }
      return { status: 201, headers: etagOf(customer.version), body: bodyOf(customer) };
    }),
});

const getCustomer = route({
  method: "GET",
  path: "/v1/customers/{customerId}",
  operationId: "getCustomer",
  tag: "Customers",
  summary: "A customer",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  answers: { 200: { description: "The customer", body: CustomerBody } },
  async handle({ params: { customerId }, caller, read }) {
    const customer = await readCustomer(read, customerId);
    checkCustomer(caller, customer, READ);
    return { status: 200, headers: etagOf(customer.version), body: bodyOf(customer) };
  },
});

const getCustomers = route({
  method: "GET",
  path: "/v1/customers",
  operationId: "listCustomers",
  tag: "Customers",
  summary: "Customers, newest first",
  description: "Without the permission: one's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ accountId: AccountId.optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of customers", body: pageOf(CustomerBody) } },
  async handle({ query, caller, read }) {
    const accountId = holds(caller, READ) ? query.accountId : visibleAccountId(caller, READ);
    const rows = await listCustomers(read, { ...listFrom(query), accountId });
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const putCustomer = route({
  method: "PUT",
  path: "/v1/customers/{customerId}",
  operationId: "updateCustomer",
  tag: "Customers",
  summary: "Changes a customer",
  description: "Another country changes the tax of later periods, not of what was invoiced.",
  rule: { allow: "own-or", permission: WRITE },
  params,
  body: z.strictObject(Changeable),
  ifMatch: "required",
  answers: { 200: { description: "Changed", body: CustomerBody } },
  handle: ({ params: { customerId }, body, caller, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockCustomer(tx, customerId);
      checkCustomer(caller, before, WRITE);
      checkVersion(ifMatch, before.version);
      const customer = await updateCustomer(tx, { ...body, id: customerId });
      return { status: 200, headers: etagOf(customer.version), body: bodyOf(customer) };
    }),
});

export const customerRoutes: Route[] = [addCustomer, getCustomers, getCustomer, putCustomer];

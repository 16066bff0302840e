import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Caller, holds, mayActFor } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Email, idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
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
import { Country, Currency, Moment, UnboundedAmount, Version, visibleAccountId } from "./wire.ts";

const CustomerBody = z
  .strictObject({
    id: idOf("cus"),
    accountId: z.string(),
    name: z.string(),
    email: z.string(),
    country: Country,
    currency: Currency,
    credit: UnboundedAmount.describe("Pays the next invoices, minor units"),
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

const bodyOf = (it: Customer) => toBody(CustomerBody, it);

/** @throws AppError not_found also for a customer of another account */
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
  summary: "Create a customer",
  description:
    "One per account and currency. Without the permission: only for the caller's account.",
  rule: { allow: "own-or", permission: WRITE },
  body: z.strictObject({ accountId: AccountId, ...Changeable, currency: Currency }),
  idempotency: "optional",
  responses: { 201: { description: "Created", body: CustomerBody } },
  handle: ({ body, caller, write, nowMs }) =>
    write(async (tx) => {
      if (!mayActFor(caller, body.accountId, WRITE)) {
        throw new AppError("forbidden", "accountId: give the id of your own account.");
      }
      const customer = await insertCustomer(tx, { ...body, id: newId("cus"), createdAtMs: nowMs });
      if (customer === undefined) {
        throw new AppError(
          "conflict",
          `The account ${body.accountId} already has a customer in ${body.currency}.`,
        );
      }
      return versioned(201, bodyOf(customer));
    }),
});

const getCustomer = route({
  method: "GET",
  path: "/v1/customers/{customerId}",
  operationId: "getCustomer",
  tag: "Customers",
  summary: "Get a customer",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  responses: { 200: { description: "The customer", body: CustomerBody } },
  async handle({ params: { customerId }, caller, read }) {
    const customer = await readCustomer(read, customerId);
    checkCustomer(caller, customer, READ);
    return versioned(200, bodyOf(customer));
  },
});

const getCustomers = route({
  method: "GET",
  path: "/v1/customers",
  operationId: "listCustomers",
  tag: "Customers",
  summary: "List customers, newest first",
  description: "Without the permission: only the caller's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ accountId: AccountId.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of customers", body: pageOf(CustomerBody) } },
  async handle({ query, caller, read }) {
    const accountId = holds(caller, READ) ? query.accountId : visibleAccountId(caller, READ);
    const rows = await listCustomers(read, { ...pageStart(query), accountId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const putCustomer = route({
  method: "PUT",
  path: "/v1/customers/{customerId}",
  operationId: "updateCustomer",
  tag: "Customers",
  summary: "Update a customer",
  description: "Another country changes the tax of later invoices only.",
  rule: { allow: "own-or", permission: WRITE },
  params,
  body: z.strictObject(Changeable),
  ifMatch: "required",
  responses: { 200: { description: "Updated", body: CustomerBody } },
  handle: ({ params: { customerId }, body, caller, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockCustomer(tx, customerId);
      checkCustomer(caller, before, WRITE);
      checkVersion(ifMatch, before.version);
      return versioned(200, bodyOf(await updateCustomer(tx, customerId, body)));
    }),
});

export const customerRoutes: Route[] = [addCustomer, getCustomers, getCustomer, putCustomer];

import { z } from "zod";

import type { Caller } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { testCardTable } from "../domain/sandbox.ts";
import { DEFAULT_GATEWAY, type Gateways, gatewayOf } from "../gateway/gateways.ts";
import { lockCustomer, readCustomer } from "../repositories/customers.ts";
import {
  type PaymentMethod,
  insertMethod,
  listMethods,
  makeDefault,
  noMethod,
  readMethod,
  removeMethod,
} from "../repositories/payment-methods.ts";
import { checkCustomer } from "./customers.ts";
import { Moment, Version, requireOwner } from "./wire.ts";

const METHODS_READ = "billing:payment-methods:read";
const METHODS_WRITE = "billing:payment-methods:write";

const PaymentMethodBody = z
  .strictObject({
    id: idOf("pm"),
    customerId: idOf("cus"),
    type: z.literal("card"),
    card: z.strictObject({
      brand: z.string(),
      last4: z.string(),
      expMonth: z.int(),
      expYear: z.int(),
      fingerprint: z.string().describe("Equal for the same card"),
    }),
    default: z.boolean(),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "PaymentMethod" });

function bodyOf(it: PaymentMethod) {
  const { brand, last4, expMonth, expYear, fingerprint } = it;
  const card = { brand, last4, expMonth, expYear, fingerprint };
  return toBody(PaymentMethodBody, { ...it, type: "card", card, default: it.isDefault });
}

const Card = z.strictObject({
  number: z
    .string()
    .regex(/^\d{12,19}$/, { error: "give the 12 to 19 digits of the card, without spaces" })
    .meta({ example: "4242424242424242", format: "password" }),
  expMonth: z.int().min(1).max(12),
  expYear: z.int().min(2000).max(2199),
  cvc: z
    .string()
    .regex(/^\d{3,4}$/, { error: "give the 3 or 4 digits of the security code" })
    .meta({ example: "123", format: "password" }),
});
const ofCustomer = z.strictObject({ customerId: idOf("cus") });
const ofMethod = z.strictObject({ paymentMethodId: idOf("pm") });

const addMethod = (gateways: Gateways): Route =>
  route({
    method: "POST",
    path: "/v1/customers/{customerId}/payment-methods",
    operationId: "addPaymentMethod",
    tag: "Payment methods",
    summary: "Add a card",
    description: `The gateway exchanges the card for a token; number and security code are not stored. The first card becomes the default.\n\nThe sandbox gateway accepts these cards with any future expiry date and any security code (three digits; four for the number that starts with 37):\n\n${testCardTable()}`,
    rule: { allow: "own-or", permission: METHODS_WRITE },
    params: ofCustomer,
    body: z.strictObject({ card: Card }),
    idempotency: "optional",
    responses: { 201: { description: "Added", body: PaymentMethodBody } },
    async handle({ params: { customerId }, body, caller, write, nowMs, database }) {
      checkCustomer(caller, await readCustomer(database, customerId), METHODS_WRITE);
      const gateway = DEFAULT_GATEWAY;
      const token = await gatewayOf(gateways, gateway).tokenize(body.card);
      return write(async (tx) => {
        await lockCustomer(tx, customerId);
        const created = { id: newId("pm"), createdAtMs: nowMs };
        const method = await insertMethod(tx, { ...token, ...created, customerId, gateway });
        return versioned(201, bodyOf(method));
      });
    },
  });

const getMethods = route({
  method: "GET",
  path: "/v1/customers/{customerId}/payment-methods",
  operationId: "listPaymentMethods",
  tag: "Payment methods",
  summary: "List the cards of a customer, oldest first",
  rule: { allow: "own-or", permission: METHODS_READ },
  params: ofCustomer,
  query: pageQuery({}),
  reads: "replica",
  responses: { 200: { description: "A page of payment methods", body: pageOf(PaymentMethodBody) } },
  async handle({ params: { customerId }, query, caller, read }) {
    checkCustomer(caller, await readCustomer(read, customerId), METHODS_READ);
    const rows = await listMethods(read, { ...pageStart(query, "oldest"), customerId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

async function readOwned(
  db: Queryable,
  id: string,
  { caller, permission }: { caller: Caller; permission: string },
): Promise<PaymentMethod> {
  const by = { caller, permission, otherwise: noMethod(id) };
  return requireOwner(db, await readMethod(db, id), by);
}

/** Locks the method's customer. */
async function lockOwned(tx: Queryable, caller: Caller, id: string): Promise<PaymentMethod> {
  const { customerId } = await readOwned(tx, id, { caller, permission: METHODS_WRITE });
  await lockCustomer(tx, customerId);
  return readMethod(tx, id);
}

const getMethod = route({
  method: "GET",
  path: "/v1/payment-methods/{paymentMethodId}",
  operationId: "getPaymentMethod",
  tag: "Payment methods",
  summary: "Get a card",
  rule: { allow: "own-or", permission: METHODS_READ },
  params: ofMethod,
  reads: "replica",
  responses: { 200: { description: "The payment method", body: PaymentMethodBody } },
  async handle({ params: { paymentMethodId }, caller, read }) {
    const by = { caller, permission: METHODS_READ };
    return versioned(200, bodyOf(await readOwned(read, paymentMethodId, by)));
  },
});

const putDefault = route({
  method: "PUT",
  path: "/v1/payment-methods/{paymentMethodId}/default",
  operationId: "makeDefaultPaymentMethod",
  tag: "Payment methods",
  summary: "Make a card the default",
  description: "The default card is charged unless another one is specified.",
  rule: { allow: "own-or", permission: METHODS_WRITE },
  params: ofMethod,
  ifMatch: "required",
  responses: { 200: { description: "The default payment method", body: PaymentMethodBody } },
  handle: ({ params: { paymentMethodId }, caller, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockOwned(tx, caller, paymentMethodId);
      checkVersion(ifMatch, before.version);
      return versioned(200, bodyOf(before.isDefault ? before : await makeDefault(tx, before)));
    }),
});

const deleteMethod = route({
  method: "DELETE",
  path: "/v1/payment-methods/{paymentMethodId}",
  operationId: "removePaymentMethod",
  tag: "Payment methods",
  summary: "Remove a card",
  description: "It is not charged again.",
  rule: { allow: "own-or", permission: METHODS_WRITE },
  params: ofMethod,
  ifMatch: "required",
  responses: { 204: { description: "Removed" } },
  handle: ({ params: { paymentMethodId }, caller, write, nowMs, ifMatch }) =>
    write(async (tx) => {
      const before = await lockOwned(tx, caller, paymentMethodId);
      checkVersion(ifMatch, before.version);
      await removeMethod(tx, paymentMethodId, nowMs);
      return { status: 204 };
    }),
});

export const paymentMethodRoutes = (gateways: Gateways): Route[] => [
  addMethod(gateways),
  getMethods,
  getMethod,
  putDefault,
  deleteMethod,
];

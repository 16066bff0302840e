import { z } from "zod";

import { type Caller, mayActFor } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
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
import { PaymentMethodBody, methodBody } from "./payments-wire.ts";

export const METHODS_READ = "billing:payment-methods:read";
export const METHODS_WRITE = "billing:payment-methods:write";

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
    summary: "Adds a card",
    description: `The number goes to the gateway, which gives a token for it; neither it nor the security code is kept. The first card becomes the default.\n\nThe gateway sandbox takes these cards, with any date to come and any security code (three digits; four for the one that begins with 37):\n\n${testCardTable()}`,
    rule: { allow: "own-or", permission: METHODS_WRITE },
    params: ofCustomer,
    body: z.strictObject({ card: Card }),
    idempotency: "optional",
    answers: { 201: { description: "Added", body: PaymentMethodBody } },
    async handle({ params: { customerId }, body, caller, write, nowMs, database }) {
      checkCustomer(caller, await readCustomer(database, customerId), METHODS_WRITE);
      const token = await gatewayOf(gateways, DEFAULT_GATEWAY).tokenize(body.card);
      return write(async (tx) => {
        await lockCustomer(tx, customerId);
        const method = await insertMethod(tx, {
          ...token,
          id: newId("pm"),
          customerId,
          gateway: DEFAULT_GATEWAY,
          createdMs: nowMs,
        });
        return { status: 201, headers: etagOf(method.version), body: methodBody(method) };
      });
    },
  });

const OldestCursor = z.tuple([z.int().min(0).max(Date.UTC(9999, 0)), z.string().max(40)]);

const getMethods = route({
  method: "GET",
  path: "/v1/customers/{customerId}/payment-methods",
  operationId: "listPaymentMethods",
  tag: "Payment methods",
  summary: "The cards of a customer, oldest first",
  rule: { allow: "own-or", permission: METHODS_READ },
  params: ofCustomer,
  query: pageQuery({}),
  reads: "replica",
  answers: { 200: { description: "A page of payment methods", body: pageOf(PaymentMethodBody) } },
  async handle({ params: { customerId }, query: { limit, cursor }, caller, read }) {
    checkCustomer(caller, await readCustomer(read, customerId), METHODS_READ);
    const after = decodeCursor(OldestCursor, cursor) ?? ([0, ""] as const);
    const rows = await listMethods(read, { customerId, limit, after });
    const by = {
      item: methodBody,
      cursor: (it: PaymentMethod) => [it.createdMs, it.id] as const,
    };
    return { status: 200, body: cutPage(rows, limit, by) };
  },
});

async function owned(
  db: Queryable,
  caller: Caller,
  { id, permission }: { id: string; permission: string },
): Promise<PaymentMethod> {
  const method = await readMethod(db, id);
  const { accountId } = await readCustomer(db, method.customerId);
  if (!mayActFor(caller, accountId, permission)) throw noMethod(id);
  return method;
}

/** The method for change, its customer locked. */
async function lockOwned(tx: Queryable, caller: Caller, id: string): Promise<PaymentMethod> {
  const { customerId } = await owned(tx, caller, { id, permission: METHODS_WRITE });
  await lockCustomer(tx, customerId);
  return readMethod(tx, id);
}

const getMethod = route({
  method: "GET",
  path: "/v1/payment-methods/{paymentMethodId}",
  operationId: "getPaymentMethod",
  tag: "Payment methods",
  summary: "A card",
  rule: { allow: "own-or", permission: METHODS_READ },
  params: ofMethod,
  reads: "replica",
  answers: { 200: { description: "The payment method", body: PaymentMethodBody } },
  async handle({ params: { paymentMethodId: id }, caller, read }) {
    const method = await owned(read, caller, { id, permission: METHODS_READ });
    return { status: 200, headers: etagOf(method.version), body: methodBody(method) };
  },
});

const putDefault = route({
  method: "PUT",
  path: "/v1/payment-methods/{paymentMethodId}/default",
  operationId: "makeDefaultPaymentMethod",
  tag: "Payment methods",
  summary: "Makes a card the one that is charged where none is named",
  rule: { allow: "own-or", permission: METHODS_WRITE },
  params: ofMethod,
  ifMatch: "required",
  answers: { 200: { description: "It is the default", body: PaymentMethodBody } },
  handle: ({ params: { paymentMethodId }, caller, write, ifMatch }) =>
    write(async (tx) => {
      const before = await lockOwned(tx, caller, paymentMethodId);
      checkVersion(ifMatch, before.version);
      const method = before.isDefault ? before : await makeDefault(tx, before);
      return { status: 200, headers: etagOf(method.version), body: methodBody(method) };
    }),
});

const deleteMethod = route({
  method: "DELETE",
  path: "/v1/payment-methods/{paymentMethodId}",
  operationId: "removePaymentMethod",
  tag: "Payment methods",
  summary: "Removes a card: it is not charged again",
  rule: { allow: "own-or", permission: METHODS_WRITE },
  params: ofMethod,
  ifMatch: "required",
  answers: { 204: { description: "Removed" } },
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

import { z } from "zod";

import type { Caller } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, iso, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { cancelSubscription } from "../commands/cancel-subscription.ts";
import { changeSubscription } from "../commands/change-subscription.ts";
import { checkPaymentMethod } from "../commands/check-payment-method.ts";
import { startSubscription } from "../commands/start-subscription.ts";
import { SUBSCRIPTION_STATUSES } from "../domain/subscription.ts";
import type { BillingKit } from "../kit.ts";
import { lockCustomer } from "../repositories/customers.ts";
import {
  type Subscription,
  listSubscriptions,
  lockSubscription,
  noSubscription,
  readSubscription,
} from "../repositories/subscriptions.ts";
import { CouponCode } from "./coupons.ts";
import { checkCustomer } from "./customers.ts";
import {
  Currency,
  Moment,
  Quantity,
  SignedAmount,
  Version,
  requireOwner,
  visibleAccountId,
} from "./wire.ts";

const Status = z.enum(SUBSCRIPTION_STATUSES);
const SubscriptionBody = z
  .strictObject({
    id: idOf("sub"),
    customerId: idOf("cus"),
    priceId: idOf("prc"),
    quantity: Quantity,
    status: Status,
    currency: Currency,
    mrr: SignedAmount.describe("Monthly recurring revenue without tax, minor units"),
    period: z.int().describe("Number of the current period; a trial is the first"),
    periodStart: Moment,
    periodEnd: Moment,
    cancelAtPeriodEnd: z.boolean(),
    canceledAt: Moment.nullable(),
    couponId: idOf("cpn").nullable(),
    discountEndsAt: Moment.nullable(),
    paymentMethodId: z.string().nullable(),
    latestInvoiceId: idOf("inv").nullable(),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Subscription" });

const PaymentMethodId = idOf("pm");
const params = z.strictObject({ subscriptionId: idOf("sub") });
const READ = "billing:subscriptions:read";
const WRITE = "billing:subscriptions:write";

const bodyOf = (it: Subscription) =>
  toBody(SubscriptionBody, {
    ...it,
    periodStart: iso(it.startMs),
    periodEnd: iso(it.endMs),
  });

/** Locks a subscription that the caller may change, in the version of `ifMatch`. */
async function lockOwned(
  tx: Queryable,
  id: string,
  { caller, ifMatch }: { caller: Caller; ifMatch: number | undefined },
): Promise<Subscription> {
  const by = { caller, permission: WRITE, otherwise: noSubscription(id) };
  const locked = await requireOwner(tx, await lockSubscription(tx, id), by);
  checkVersion(ifMatch, locked.version);
  return locked;
}

const addSubscription = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/subscriptions",
    operationId: "addSubscription",
    tag: "Subscriptions",
    summary: "Subscribe a customer to a price",
    description:
      "Starts with a trial if the price has one and the account never had the plan; otherwise the first invoice is issued and collected now.",
    rule: { allow: "own-or", permission: WRITE },
    body: z.strictObject({
      customerId: idOf("cus"),
      priceId: idOf("prc"),
      quantity: Quantity.default(1),
      couponCode: CouponCode.optional(),
      paymentMethodId: PaymentMethodId.optional(),
    }),
    idempotency: "optional",
    responses: { 201: { description: "Started", body: SubscriptionBody } },
    handle: ({ body, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        const customer = await lockCustomer(tx, body.customerId);
        checkCustomer(caller, customer, WRITE);
        await checkPaymentMethod(tx, customer.id, body.paymentMethodId);
        const started = await startSubscription({ kit, tx, nowMs, traceId }, customer, body);
        return versioned(201, bodyOf(started));
      }),
  });

const getSubscriptions = route({
  method: "GET",
  path: "/v1/subscriptions",
  operationId: "listSubscriptions",
  tag: "Subscriptions",
  summary: "List subscriptions, newest first",
  description: "Without the permission: only the caller's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ customerId: idOf("cus").optional(), status: Status.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of subscriptions", body: pageOf(SubscriptionBody) } },
  async handle({ query, caller, read }) {
    const accountId = visibleAccountId(caller, READ);
    const rows = await listSubscriptions(read, { ...query, ...pageStart(query), accountId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const getSubscription = route({
  method: "GET",
  path: "/v1/subscriptions/{subscriptionId}",
  operationId: "getSubscription",
  tag: "Subscriptions",
  summary: "Get a subscription",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  responses: { 200: { description: "The subscription", body: SubscriptionBody } },
  async handle({ params: { subscriptionId: id }, caller, read }) {
    const by = { caller, permission: READ, otherwise: noSubscription(id) };
    const found = await requireOwner(read, await readSubscription(read, id), by);
    return versioned(200, bodyOf(found));
  },
});

const patchSubscription = (kit: BillingKit): Route =>
  route({
    method: "PATCH",
    path: "/v1/subscriptions/{subscriptionId}",
    operationId: "changeSubscription",
    tag: "Subscriptions",
    summary: "Change a subscription",
    description:
      "Changes price, quantity, payment method, or cancellation at the end of the period. Another price or quantity takes effect now: an invoice credits the rest of the period at the old price and charges it at the new one, to the second. A negative total becomes the customer's credit.",
    rule: { allow: "own-or", permission: WRITE },
    params,
    body: z.strictObject({
      priceId: idOf("prc").optional(),
      quantity: Quantity.optional(),
      paymentMethodId: PaymentMethodId.optional(),
      cancelAtPeriodEnd: z.boolean().optional(),
    }),
    ifMatch: "required",
    responses: { 200: { description: "Updated", body: SubscriptionBody } },
    handle: ({ params: { subscriptionId }, body, caller, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const before = await lockOwned(tx, subscriptionId, { caller, ifMatch });
        await checkPaymentMethod(tx, before.customerId, body.paymentMethodId);
        const changed = await changeSubscription({ kit, tx, nowMs, traceId }, before, body);
        return versioned(200, bodyOf(changed));
      }),
  });

const postCancel = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/subscriptions/{subscriptionId}/cancel",
    operationId: "cancelSubscription",
    tag: "Subscriptions",
    summary: "Cancel a subscription",
    description: "If canceled now, the rest of the period becomes credit.",
    rule: { allow: "own-or", permission: WRITE },
    params,
    body: z.strictObject({ at: z.enum(["now", "period_end"]) }),
    idempotency: "optional",
    ifMatch: "optional",
    responses: {
      200: { description: "Canceled, now or at the end of the period", body: SubscriptionBody },
    },
    handle: ({ params: { subscriptionId }, body, caller, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const before = await lockOwned(tx, subscriptionId, { caller, ifMatch });
        const ended = await cancelSubscription({ kit, tx, nowMs, traceId }, before, body.at);
        return versioned(200, bodyOf(ended));
      }),
  });

export const subscriptionRoutes = (kit: BillingKit): Route[] => [
  addSubscription(kit),
  getSubscriptions,
  getSubscription,
  patchSubscription(kit),
  postCancel(kit),
];

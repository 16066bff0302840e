import { z } from "zod";

import { type Caller, mayActFor } from "#platform/http/caller.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, iso, isoOrNull } from "#platform/http/schema.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { cancelSubscription } from "../commands/cancel-subscription.ts";
import { changeSubscription } from "../commands/change-subscription.ts";
import { checkPaymentMethod } from "../commands/check-payment-method.ts";
import { startSubscription } from "../commands/start-subscription.ts";
import type { BillingDeps } from "../deps.ts";
import { SUBSCRIPTION_STATUSES } from "../domain/subscription.ts";
import { lockCustomer, readCustomer } from "../repositories/customers.ts";
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
  createdCursor,
  listFrom,
  visibleAccountId,
  wires,
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
    period: z.int().describe("Counts periods; a trial is the first"),
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

function bodyOf(it: Subscription): z.input<typeof SubscriptionBody> {
  const {
    createdMs,
    canceledMs,
    startMs,
    endMs,
    discountEndsMs,
    anchorMs: _at,
    anchorPeriod: _of,
    ...rest
  } = it;
  return {
    ...rest,
    ...wires(it, "mrr"),
    periodStart: iso(startMs),
    periodEnd: iso(endMs),
    canceledAt: isoOrNull(canceledMs),
    discountEndsAt: isoOrNull(discountEndsMs),
    createdAt: iso(createdMs),
  };
}

async function checkOwner(
  tx: Queryable,
  it: Subscription,
  { caller, permission }: { caller: Caller; permission: string },
): Promise<Subscription> {
  const { accountId } = await readCustomer(tx, it.customerId);
  if (!mayActFor(caller, accountId, permission)) throw noSubscription(it.id);
  return it;
}

const addSubscription = ({ kit }: BillingDeps): Route =>
  route({
    method: "POST",
    path: "/v1/subscriptions",
    operationId: "addSubscription",
    tag: "Subscriptions",
    summary: "Subscribes a customer to a price",
    description:
      "Begins with a trial where the price has one and the account never had the plan; else the first invoice is written at once and collected by the payment method.",
    rule: { allow: "own-or", permission: WRITE },
    body: z.strictObject({
      customerId: idOf("cus"),
      priceId: idOf("prc"),
      quantity: Quantity.default(1),
      couponCode: CouponCode.optional(),
      paymentMethodId: PaymentMethodId.optional(),
    }),
    idempotency: "optional",
    answers: { 201: { description: "Started", body: SubscriptionBody } },
    handle: ({ body, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        const customer = await lockCustomer(tx, body.customerId);
        checkCustomer(caller, customer, WRITE);
        await checkPaymentMethod(tx, customer.id, body.paymentMethodId);
        const started = await startSubscription({ kit, tx, nowMs, traceId }, customer, body);
        return { status: 201, headers: etagOf(started.version), body: bodyOf(started) };
      }),
  });

const getSubscriptions = route({
  method: "GET",
  path: "/v1/subscriptions",
  operationId: "listSubscriptions",
  tag: "Subscriptions",
  summary: "Subscriptions, newest first",
  description: "Without the permission: one's own.",
  rule: { allow: "own-or", permission: READ },
  query: pageQuery({ customerId: idOf("cus").optional(), status: Status.optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of subscriptions", body: pageOf(SubscriptionBody) } },
  async handle({ query, caller, read }) {
    const { customerId, status } = query;
    const accountId = visibleAccountId(caller, READ);
    const filter = { ...listFrom(query), customerId, status, accountId };
    const rows = await listSubscriptions(read, filter);
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const getSubscription = route({
  method: "GET",
  path: "/v1/subscriptions/{subscriptionId}",
  operationId: "getSubscription",
  tag: "Subscriptions",
  summary: "A subscription",
  rule: { allow: "own-or", permission: READ },
  params,
  reads: "replica",
  answers: { 200: { description: "The subscription", body: SubscriptionBody } },
  async handle({ params: { subscriptionId }, caller, read }) {
    const found = await readSubscription(read, subscriptionId);
    const it = await checkOwner(read, found, { caller, permission: READ });
    return { status: 200, headers: etagOf(it.version), body: bodyOf(it) };
  },
});

const patchSubscription = ({ kit }: BillingDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/subscriptions/{subscriptionId}",
    operationId: "changeSubscription",
    tag: "Subscriptions",
    summary: "Changes price, quantity, payment method, or whether it ends with its period",
    description:
      "Another price or quantity takes effect at once: an invoice gives back what is left of the period at the old price and charges it at the new one, to the second. What comes out below zero becomes the customer's credit.",
    rule: { allow: "own-or", permission: WRITE },
    params,
    body: z.strictObject({
      priceId: idOf("prc").optional(),
      quantity: Quantity.optional(),
      paymentMethodId: PaymentMethodId.optional(),
      cancelAtPeriodEnd: z.boolean().optional(),
    }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: SubscriptionBody } },
    handle: ({ params: { subscriptionId }, body, caller, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const locked = await lockSubscription(tx, subscriptionId);
        const before = await checkOwner(tx, locked, { caller, permission: WRITE });
        checkVersion(ifMatch, before.version);
        await checkPaymentMethod(tx, before.customerId, body.paymentMethodId);
        const changed = await changeSubscription({ kit, tx, nowMs, traceId }, before, body);
        return { status: 200, headers: etagOf(changed.version), body: bodyOf(changed) };
      }),
  });

const postCancel = ({ kit }: BillingDeps): Route =>
  route({
    method: "POST",
    path: "/v1/subscriptions/{subscriptionId}/cancel",
    operationId: "cancelSubscription",
    tag: "Subscriptions",
    summary: "Ends a subscription",
    description: "At once, what is left of the period is given back as credit.",
    rule: { allow: "own-or", permission: WRITE },
    params,
    body: z.strictObject({ at: z.enum(["now", "period_end"]) }),
    idempotency: "optional",
    ifMatch: "optional",
    answers: { 200: { description: "Ended, or going to", body: SubscriptionBody } },
    handle: ({ params: { subscriptionId }, body, caller, write, ifMatch, nowMs, traceId }) =>
      write(async (tx) => {
        const locked = await lockSubscription(tx, subscriptionId);
        const before = await checkOwner(tx, locked, { caller, permission: WRITE });
        checkVersion(ifMatch, before.version);
        const ended = await cancelSubscription({ kit, tx, nowMs, traceId }, before, body.at);
        return { status: 200, headers: etagOf(ended.version), body: bodyOf(ended) };
      }),
  });

export const subscriptionRoutes = (deps: BillingDeps): Route[] => [
  addSubscription(deps),
  getSubscriptions,
  getSubscription,
  patchSubscription(deps),
  postCancel(deps),
];

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, iso, isoOrNull } from "#platform/http/schema.ts";
import { newId } from "#platform/ids.ts";

import { COUPON_DURATIONS, type CouponValue } from "../domain/coupon.ts";
import { fromWire, toWire } from "../domain/money.ts";
import {
  type Coupon,
  insertCoupon,
  listCoupons,
  readCoupon,
  setCouponActive,
} from "../repositories/coupons.ts";
import {
  Amount,
  BasisPoints,
  Currency,
  Moment,
  PositiveAmount,
  Version,
  createdCursor,
  listFrom,
} from "./wire.ts";

/** As people type it: in capitals, whatever they type. */
export const CouponCode = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{1,39}$/, {
    error: "give 2 to 40 letters, digits, - and _",
  })
  .transform((it) => it.toUpperCase())
  .meta({ example: "WELCOME25" });

const BasisPointsOff = BasisPoints.min(1).describe("Hundredths of a percent: 2500 is 25 %");
const Months = z.int().min(1).max(120);
const Redemptions = z.int().min(1).max(1_000_000_000);

const CouponBody = z
  .strictObject({
    id: idOf("cpn"),
    code: z.string(),
    basisPointsOff: BasisPointsOff.nullable(),
    amountOff: PositiveAmount.nullable(),
    currency: Currency.nullable(),
    duration: z.enum(COUPON_DURATIONS),
    durationMonths: Months.nullable(),
    maxRedemptions: Redemptions.nullable(),
    timesRedeemed: z.int(),
    minimumAmount: Amount,
    expiresAt: Moment.nullable(),
    active: z.boolean(),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Coupon" });

const CouponInput = z
  .strictObject({
    code: CouponCode,
    basisPointsOff: BasisPointsOff.optional(),
    amountOff: PositiveAmount.optional(),
    currency: Currency.optional().describe(
      "Needed for amounts; with basisPointsOff it limits the coupon",
    ),
    duration: z.enum(COUPON_DURATIONS),
    durationMonths: Months.optional().describe("Of a repeating one, from its first paid period"),
    maxRedemptions: Redemptions.optional().describe("By all accounts; each can use it once"),
    minimumAmount: Amount.default(0).describe("Of a period, before the discount"),
    expiresAt: Timestamp.optional(),
  })
  .superRefine((it, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    if ((it.basisPointsOff === undefined) === (it.amountOff === undefined)) {
      wrong("basisPointsOff", "give either basisPointsOff or amountOff");
    }
    if (it.currency === undefined && (it.amountOff !== undefined || it.minimumAmount > 0)) {
      wrong("currency", "give the currency of the amount");
    }
    if ((it.duration === "repeating") !== (it.durationMonths !== undefined)) {
      wrong("durationMonths", "give it for a repeating coupon, and only there");
    }
  })
  .meta({ example: { code: "WELCOME25", basisPointsOff: 2_500, duration: "once" } });

function bodyOf({ value, ...it }: Coupon): z.input<typeof CouponBody> {
  const { createdMs, expiresMs, minimumAmount, ...rest } = it;
  return {
    ...rest,
    basisPointsOff: value.kind === "percent" ? value.basisPoints : null,
    amountOff: value.kind === "amount" ? toWire(value.amount) : null,
    minimumAmount: toWire(minimumAmount),
    expiresAt: isoOrNull(expiresMs),
    createdAt: iso(createdMs),
  };
}

function valueOf(it: z.output<typeof CouponInput>): CouponValue {
  return it.amountOff === undefined
    ? { kind: "percent", basisPoints: it.basisPointsOff ?? 0 }
    : { kind: "amount", amount: fromWire(it.amountOff), currency: it.currency ?? "" };
}

const params = z.strictObject({ couponId: idOf("cpn") });
const READ = { allow: "permission", permission: "billing:coupons:read" } as const;
const WRITE = { allow: "permission", permission: "billing:coupons:write" } as const;

const addCoupon = route({
  method: "POST",
  path: "/v1/coupons",
  operationId: "addCoupon",
  tag: "Coupons",
  summary: "Adds a coupon",
  rule: WRITE,
  body: CouponInput,
  idempotency: "optional",
  answers: { 201: { description: "Added", body: CouponBody } },
  handle: ({ body, write, nowMs }) =>
    write(async (tx) => {
      const coupon = await insertCoupon(tx, {
        id: newId("cpn"),
        code: body.code,
        value: valueOf(body),
        currency: body.currency ?? null,
        duration: body.duration,
        durationMonths: body.durationMonths ?? null,
        maxRedemptions: body.maxRedemptions ?? null,
        minimumAmount: fromWire(body.minimumAmount),
        expiresMs: body.expiresAt === undefined ? null : Date.parse(body.expiresAt),
        createdMs: nowMs,
      });
      if (coupon === undefined) {
        throw new AppError(
          "conflict",
          `There is a coupon ${body.code} already: take another code.`,
        );
      }
      return { status: 201, headers: etagOf(coupon.version), body: bodyOf(coupon) };
    }),
});

const getCoupons = route({
  method: "GET",
  path: "/v1/coupons",
  operationId: "listCoupons",
  tag: "Coupons",
  summary: "Coupons, newest first",
  rule: READ,
  query: pageQuery({ code: CouponCode.optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of coupons", body: pageOf(CouponBody) } },
  async handle({ query, read }) {
    const rows = await listCoupons(read, { ...listFrom(query), code: query.code });
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const getCoupon = route({
  method: "GET",
  path: "/v1/coupons/{couponId}",
  operationId: "getCoupon",
  tag: "Coupons",
  summary: "A coupon",
  rule: READ,
  params,
  reads: "replica",
  answers: { 200: { description: "The coupon", body: CouponBody } },
  async handle({ params: { couponId }, read }) {
    const coupon = await readCoupon(read, couponId);
    return { status: 200, headers: etagOf(coupon.version), body: bodyOf(coupon) };
  },
});

const patchCoupon = route({
  method: "PATCH",
  path: "/v1/coupons/{couponId}",
  operationId: "setCouponActive",
  tag: "Coupons",
  summary: "Stops or allows redemptions; those made stay",
  rule: WRITE,
  params,
  body: z.strictObject({ active: z.boolean() }),
  ifMatch: "required",
  answers: { 200: { description: "Changed", body: CouponBody } },
  handle: ({ params: { couponId }, body: { active }, write, ifMatch }) =>
    write(async (tx) => {
      const { version } = await readCoupon(tx, couponId);
      checkVersion(ifMatch, version);
      const coupon = await setCouponActive(tx, { id: couponId, active, expected: ifMatch });
      if (coupon === undefined) {
        throw new AppError(
          "precondition_failed",
          "It was changed meanwhile: read it again, then decide.",
        );
      }
      return { status: 200, headers: etagOf(coupon.version), body: bodyOf(coupon) };
    }),
});

export const couponRoutes: Route[] = [addCoupon, getCoupons, getCoupon, patchCoupon];

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import { newId } from "#platform/ids.ts";

import { COUPON_DURATIONS, type CouponValue } from "../domain/coupon.ts";
import { fromWire } from "../domain/money.ts";
import {
  type Coupon,
  insertCoupon,
  listCoupons,
  readCoupon,
  setCouponActive,
} from "../repositories/coupons.ts";
import { Amount, BasisPoints, Currency, Moment, PositiveAmount, Version } from "./wire.ts";

/** Case-insensitive. */
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
      "Required for amounts; with basisPointsOff it limits the coupon to this currency",
    ),
    duration: z.enum(COUPON_DURATIONS),
    durationMonths: Months.optional().describe("For repeating coupons, from the first paid period"),
    maxRedemptions: Redemptions.optional().describe(
      "Of all accounts; each account can redeem it once",
    ),
    minimumAmount: Amount.default(0).describe("Of a period, before the discount"),
    expiresAt: Timestamp.optional(),
  })
  .superRefine((it, context) => {
    const reject = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    if ((it.basisPointsOff === undefined) === (it.amountOff === undefined)) {
      reject("basisPointsOff", "give either basisPointsOff or amountOff");
    }
    if (it.currency === undefined && (it.amountOff !== undefined || it.minimumAmount > 0)) {
      reject("currency", "give the currency of the amount");
    }
    if ((it.duration === "repeating") !== (it.durationMonths !== undefined)) {
      reject("durationMonths", "give it for repeating coupons only");
    }
  })
  .meta({ example: { code: "WELCOME25", basisPointsOff: 2_500, duration: "once" } });

const bodyOf = (it: Coupon) =>
  toBody(CouponBody, {
    ...it,
    basisPointsOff: it.value.kind === "percent" ? it.value.basisPoints : null,
    amountOff: it.value.kind === "amount" ? it.value.amount : null,
  });

const valueOf = (it: z.output<typeof CouponInput>): CouponValue =>
  it.amountOff === undefined
    ? { kind: "percent", basisPoints: it.basisPointsOff ?? 0 }
    : { kind: "amount", amount: fromWire(it.amountOff), currency: it.currency ?? "" };

const params = z.strictObject({ couponId: idOf("cpn") });
const READ = { allow: "permission", permission: "billing:coupons:read" } as const;
const WRITE = { allow: "permission", permission: "billing:coupons:write" } as const;

const addCoupon = route({
  method: "POST",
  path: "/v1/coupons",
  operationId: "addCoupon",
  tag: "Coupons",
  summary: "Create a coupon",
  rule: WRITE,
  body: CouponInput,
  idempotency: "optional",
  responses: { 201: { description: "Created", body: CouponBody } },
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
        expiresAtMs: body.expiresAt === undefined ? null : Date.parse(body.expiresAt),
        createdAtMs: nowMs,
      });
      if (coupon === undefined) {
        throw new AppError("conflict", `The coupon ${body.code} exists: use another code.`);
      }
      return versioned(201, bodyOf(coupon));
    }),
});

const getCoupons = route({
  method: "GET",
  path: "/v1/coupons",
  operationId: "listCoupons",
  tag: "Coupons",
  summary: "List coupons, newest first",
  rule: READ,
  query: pageQuery({ code: CouponCode.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of coupons", body: pageOf(CouponBody) } },
  async handle({ query, read }) {
    const rows = await listCoupons(read, { ...pageStart(query), code: query.code });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const getCoupon = route({
  method: "GET",
  path: "/v1/coupons/{couponId}",
  operationId: "getCoupon",
  tag: "Coupons",
  summary: "Get a coupon",
  rule: READ,
  params,
  reads: "replica",
  responses: { 200: { description: "The coupon", body: CouponBody } },
  handle: async ({ params: { couponId }, read }) =>
    versioned(200, bodyOf(await readCoupon(read, couponId))),
});

const patchCoupon = route({
  method: "PATCH",
  path: "/v1/coupons/{couponId}",
  operationId: "setCouponActive",
  tag: "Coupons",
  summary: "Allow or stop redemptions of a coupon",
  description: "Existing redemptions are kept.",
  rule: WRITE,
  params,
  body: z.strictObject({ active: z.boolean() }),
  ifMatch: "required",
  responses: { 200: { description: "Updated", body: CouponBody } },
  handle: ({ params: { couponId }, body: { active }, write, ifMatch }) =>
    write(async (tx) => {
      const { version } = await readCoupon(tx, couponId);
      checkVersion(ifMatch, version);
      const coupon = await setCouponActive(tx, { id: couponId, active, expected: ifMatch });
      if (coupon === undefined) {
        throw new AppError(
          "precondition_failed",
          "The coupon was changed in the meantime: read it again.",
        );
      }
      return versioned(200, bodyOf(coupon));
    }),
});

export const couponRoutes: Route[] = [addCoupon, getCoupons, getCoupon, patchCoupon];

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, iso } from "#platform/http/schema.ts";
import { newId } from "#platform/ids.ts";

import { INTERVALS } from "../domain/calendar.ts";
import { fromWire } from "../domain/money.ts";
import {
  type Price,
  archivePrice,
  insertPrice,
  listPrices,
  readPlan,
  readPrice,
} from "../repositories/catalog.ts";
import { Amount, Currency, Flag, Moment, Version, createdCursor, listFrom, wires } from "./wire.ts";

const TrialDays = z.int().min(0).max(730).describe("For accounts that never had the plan");
const PriceBody = z
  .strictObject({
    id: idOf("prc"),
    planId: idOf("pln"),
    currency: Currency,
    unitAmount: Amount,
    interval: z.enum(INTERVALS),
    trialDays: TrialDays,
    archived: z.boolean().describe("Not sold any more"),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Price" });

const bodyOf = ({ createdMs, ...it }: Price): z.input<typeof PriceBody> => ({
  ...it,
  ...wires(it, "unitAmount"),
  createdAt: iso(createdMs),
});

const params = z.strictObject({ priceId: idOf("prc") });
const rule = { allow: "permission", permission: "billing:catalog:write" } as const;

const addPrice = route({
  method: "POST",
  path: "/v1/prices",
  operationId: "addPrice",
  tag: "Catalogue",
  summary: "Adds a price of a plan",
  description:
    "What it costs never changes: archive it and add another one. Tax comes on top or is in it, as the rate of the customer's country says.",
  rule,
  body: z.strictObject({
    planId: idOf("pln"),
    currency: Currency,
    unitAmount: Amount,
    interval: z.enum(INTERVALS),
    trialDays: TrialDays.default(0),
  }),
  idempotency: "optional",
  answers: { 201: { description: "Added", body: PriceBody } },
  handle: ({ body, write, nowMs }) =>
    write(async (tx) => {
      const plan = await readPlan(tx, body.planId);
      if (plan.archived) {
        throw new AppError("conflict", "The plan is archived: make it current again first.");
      }
      const price: Price = {
        ...body,
        unitAmount: fromWire(body.unitAmount),
        id: newId("prc"),
        archived: false,
        version: 1,
        createdMs: nowMs,
      };
      await insertPrice(tx, price);
      return { status: 201, headers: etagOf(1), body: bodyOf(price) };
    }),
});

const getPrices = route({
  method: "GET",
  path: "/v1/prices",
  operationId: "listPrices",
  tag: "Catalogue",
  summary: "Prices, newest first",
  rule: { allow: "signed-in" },
  query: pageQuery({ planId: idOf("pln").optional(), archived: Flag.optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of prices", body: pageOf(PriceBody) } },
  async handle({ query, read }) {
    const { planId, archived } = query;
    const rows = await listPrices(read, { ...listFrom(query), planId, archived });
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const getPrice = route({
  method: "GET",
  path: "/v1/prices/{priceId}",
  operationId: "getPrice",
  tag: "Catalogue",
  summary: "A price",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  answers: { 200: { description: "The price", body: PriceBody } },
  async handle({ params: { priceId }, read }) {
    const price = await readPrice(read, priceId);
    return { status: 200, headers: etagOf(price.version), body: bodyOf(price) };
  },
});

const patchPrice = route({
  method: "PATCH",
  path: "/v1/prices/{priceId}",
  operationId: "archivePrice",
  tag: "Catalogue",
  summary: "Archives a price, or sells it again",
  rule,
  params,
  body: z.strictObject({ archived: z.boolean() }),
  ifMatch: "required",
  answers: { 200: { description: "Changed", body: PriceBody } },
  handle: ({ params: { priceId }, body: { archived }, write, ifMatch }) =>
    write(async (tx) => {
      const before = await readPrice(tx, priceId, "change");
      checkVersion(ifMatch, before.version);
      await archivePrice(tx, priceId, archived);
      const price = { ...before, archived, version: before.version + 1 };
      return { status: 200, headers: etagOf(price.version), body: bodyOf(price) };
    }),
});

export const priceRoutes: Route[] = [addPrice, getPrices, getPrice, patchPrice];

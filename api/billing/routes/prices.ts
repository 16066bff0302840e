import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import { newId } from "#platform/ids.ts";

import { INTERVALS } from "../domain/calendar.ts";
import { fromWire } from "../domain/money.ts";
import {
  type Price,
  archivePrice,
  insertPrice,
  listPrices,
  lockPrice,
  readPlan,
  readPrice,
} from "../repositories/catalog.ts";
import { Amount, Currency, Flag, Moment, Version } from "./wire.ts";

const TrialDays = z.int().min(0).max(730).describe("For accounts that never had the plan");
const Terms = {
  planId: idOf("pln"),
  currency: Currency,
  unitAmount: Amount,
  interval: z.enum(INTERVALS),
};
const PriceBody = z
  .strictObject({
    id: idOf("prc"),
    ...Terms,
    trialDays: TrialDays,
    archived: z.boolean().describe("No longer for sale"),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Price" });

const bodyOf = (it: Price) => toBody(PriceBody, it);

const params = z.strictObject({ priceId: idOf("prc") });
const rule = { allow: "permission", permission: "billing:catalog:write" } as const;

const addPrice = route({
  method: "POST",
  path: "/v1/prices",
  operationId: "addPrice",
  tag: "Catalogue",
  summary: "Add a price to a plan",
  description:
    "The terms of a price never change: archive it and add another one. The tax rate of the customer's country determines whether tax is included or added.",
  rule,
  body: z.strictObject({ ...Terms, trialDays: TrialDays.default(0) }),
  idempotency: "optional",
  responses: { 201: { description: "Created", body: PriceBody } },
  handle: ({ body, write, nowMs }) =>
    write(async (tx) => {
      const plan = await readPlan(tx, body.planId);
      if (plan.archived) {
        throw new AppError("conflict", "The plan is archived: restore it first.");
      }
      const unitAmount = fromWire(body.unitAmount);
      const created = { id: newId("prc"), createdAtMs: nowMs };
      return versioned(201, bodyOf(await insertPrice(tx, { ...body, ...created, unitAmount })));
    }),
});

const getPrices = route({
  method: "GET",
  path: "/v1/prices",
  operationId: "listPrices",
  tag: "Catalogue",
  summary: "List prices, newest first",
  rule: { allow: "signed-in" },
  query: pageQuery({ planId: idOf("pln").optional(), archived: Flag.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of prices", body: pageOf(PriceBody) } },
  async handle({ query, read }) {
    const { planId, archived } = query;
    const rows = await listPrices(read, { ...pageStart(query), planId, archived });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const getPrice = route({
  method: "GET",
  path: "/v1/prices/{priceId}",
  operationId: "getPrice",
  tag: "Catalogue",
  summary: "Get a price",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  responses: { 200: { description: "The price", body: PriceBody } },
  handle: async ({ params: { priceId }, read }) =>
    versioned(200, bodyOf(await readPrice(read, priceId))),
});

const patchPrice = route({
  method: "PATCH",
  path: "/v1/prices/{priceId}",
  operationId: "archivePrice",
  tag: "Catalogue",
  summary: "Archive or restore a price",
  rule,
  params,
  body: z.strictObject({ archived: z.boolean() }),
  ifMatch: "required",
  responses: { 200: { description: "Updated", body: PriceBody } },
  handle: ({ params: { priceId }, body: { archived }, write, ifMatch }) =>
    write(async (tx) => {
      checkVersion(ifMatch, (await lockPrice(tx, priceId)).version);
      return versioned(200, bodyOf(await archivePrice(tx, priceId, archived)));
    }),
});

export const priceRoutes: Route[] = [addPrice, getPrices, getPrice, patchPrice];

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { text } from "#platform/http/schema.ts";

import { findTaxRate, listTaxRates, putTaxRate } from "../repositories/tax-rates.ts";
import { BasisPoints, Country, Version } from "./wire.ts";

const Rate = {
  name: text({ max: 100 }).describe("As shown on invoices: VAT, GST, MwSt."),
  basisPoints: BasisPoints,
  inclusive: z.boolean().describe("Whether prices include the tax; otherwise it is added"),
};
const TaxRateBody = z
  .strictObject({ country: Country, ...Rate, version: Version })
  .meta({ id: "TaxRate" });

const params = z.strictObject({ country: Country });

const getTaxRates = route({
  method: "GET",
  path: "/v1/tax-rates",
  operationId: "listTaxRates",
  tag: "Catalogue",
  summary: "List the tax rates of all countries",
  rule: { allow: "signed-in" },
  reads: "replica",
  responses: {
    200: {
      description: "At most one per country",
      body: z.strictObject({ items: z.array(TaxRateBody) }),
    },
  },
  handle: async ({ read }) => ({ status: 200, body: { items: await listTaxRates(read) } }),
});

const getTaxRate = route({
  method: "GET",
  path: "/v1/tax-rates/{country}",
  operationId: "getTaxRate",
  tag: "Catalogue",
  summary: "Get the tax rate of a country",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  responses: { 200: { description: "The rate", body: TaxRateBody } },
  async handle({ params: { country }, read }) {
    const rate = await findTaxRate(read, country);
    if (rate === undefined) {
      throw new AppError(
        "not_found",
        `There is no tax rate for ${country}: no tax is charged there.`,
      );
    }
    return versioned(200, rate);
  },
});

const putRate = route({
  method: "PUT",
  path: "/v1/tax-rates/{country}",
  operationId: "setTaxRate",
  tag: "Catalogue",
  summary: "Set the tax rate of a country",
  description:
    "Applies to later invoices. If-Match is the version to replace, or * for any or none.",
  rule: { allow: "permission", permission: "billing:catalog:write" },
  params,
  body: z.strictObject(Rate),
  ifMatch: "required",
  responses: { 200: { description: "Set", body: TaxRateBody } },
  handle: ({ params: { country }, body, write, ifMatch }) =>
    write(async (tx) => {
      const rate = await putTaxRate(tx, { ...body, country }, ifMatch);
      if (rate === undefined) {
        throw new AppError(
          "precondition_failed",
          "The tax rate was changed in the meantime: read it again.",
        );
      }
      return versioned(200, rate);
    }),
});

export const taxRateRoutes: Route[] = [getTaxRates, getTaxRate, putRate];

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { text } from "#platform/http/schema.ts";

import { findTaxRate, listTaxRates, putTaxRate } from "../repositories/tax-rates.ts";
import { BasisPoints, Country, Version } from "./wire.ts";

const Rate = {
  name: text({ max: 100 }).describe("As it is called on invoices: VAT, GST, MwSt."),
  basisPoints: BasisPoints,
  inclusive: z.boolean().describe("Whether prices have the tax in them; else it comes on top"),
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
  summary: "Tax rates of all countries",
  rule: { allow: "signed-in" },
  reads: "replica",
  answers: {
    200: {
      description: "At most one for each country",
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
  summary: "The tax rate of a country",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  answers: { 200: { description: "The rate", body: TaxRateBody } },
  async handle({ params: { country }, read }) {
    const rate = await findTaxRate(read, country);
    if (rate === undefined) {
      throw new AppError(
        "not_found",
        `There is no tax rate of ${country}: nothing is taxed there.`,
      );
    }
    return { status: 200, headers: etagOf(rate.version), body: rate };
  },
});

const putRate = route({
  method: "PUT",
  path: "/v1/tax-rates/{country}",
  operationId: "setTaxRate",
  tag: "Catalogue",
  summary: "Sets the tax rate of a country",
  description:
    "For what is invoiced from now on. If-Match names the version that is replaced, or is * to set it whatever it was.",
  rule: { allow: "permission", permission: "billing:catalog:write" },
  params,
  body: z.strictObject(Rate),
  ifMatch: "required",
  answers: { 200: { description: "Set", body: TaxRateBody } },
  handle: ({ params: { country }, body, write, ifMatch }) =>
    write(async (tx) => {
      const rate = await putTaxRate(tx, { ...body, country }, ifMatch);
      if (rate === undefined) {
        throw new AppError(
          "precondition_failed",
          "It was changed meanwhile: read it again, then decide.",
        );
      }
      return { status: 200, headers: etagOf(rate.version), body: rate };
    }),
});

export const taxRateRoutes: Route[] = [getTaxRates, getTaxRate, putRate];

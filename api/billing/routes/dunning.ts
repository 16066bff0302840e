import { z } from "zod";

import { pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { isStrictlyIncreasing } from "../domain/dunning.ts";
import {
  DUNNING_STATUSES,
  type DunningRun,
  type StoredPolicy,
  listRuns,
  lockPolicy,
  readPolicy,
  savePolicy,
} from "../repositories/dunning.ts";
import { Moment, Version } from "./wire.ts";

const DUNNING_READ = "billing:dunning:read";
const DUNNING_WRITE = "billing:dunning:write";

const Changeable = {
  retryDays: z
    .array(z.int().min(0).max(365))
    .max(20)
    .refine(isStrictlyIncreasing, { error: "give the days in increasing order" })
    .describe("Days of the retries after the first failure"),
  finally: z
    .enum(["cancel", "unpaid"])
    .describe("Outcome for the subscription after the last retry"),
};
const Policy = z.strictObject({ ...Changeable, version: Version }).meta({ id: "DunningPolicy" });

const responseOf = (policy: StoredPolicy) => versioned(200, toBody(Policy, policy));

const getPolicy = route({
  method: "GET",
  path: "/v1/dunning-policy",
  operationId: "getDunningPolicy",
  tag: "Dunning",
  summary: "Get the dunning policy",
  description: "When failed collections are retried.",
  rule: { allow: "permission", permission: DUNNING_READ },
  reads: "replica",
  responses: { 200: { description: "The policy", body: Policy } },
  handle: async ({ read }) => responseOf(await readPolicy(read)),
});

const putPolicy = route({
  method: "PUT",
  path: "/v1/dunning-policy",
  operationId: "setDunningPolicy",
  tag: "Dunning",
  summary: "Replace the dunning policy",
  description: "Retries that are already scheduled are kept.",
  rule: { allow: "permission", permission: DUNNING_WRITE },
  body: z.strictObject(Changeable),
  ifMatch: "required",
  responses: { 200: { description: "Updated", body: Policy } },
  handle: ({ body, write, ifMatch }) =>
    write(async (tx) => {
      checkVersion(ifMatch, (await lockPolicy(tx)).version);
      return responseOf(await savePolicy(tx, body));
    }),
});

const Run = z
  .strictObject({
    invoiceId: idOf("inv"),
    subscriptionId: idOf("sub"),
    customerId: idOf("cus"),
    status: z.enum(DUNNING_STATUSES),
    retries: z.int(),
    startedAt: Moment,
    nextAt: Moment.nullable(),
  })
  .meta({ id: "DunningRun" });

const getRuns = route({
  method: "GET",
  path: "/v1/dunning",
  operationId: "listDunning",
  tag: "Dunning",
  summary: "List invoices in dunning, newest first",
  rule: { allow: "permission", permission: DUNNING_READ },
  query: pageQuery({ status: z.enum(DUNNING_STATUSES).optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of invoices in dunning", body: pageOf(Run) } },
  async handle({ query, read }) {
    const rows = await listRuns(read, { ...pageStart(query), status: query.status });
    return pageResponse(rows, query, {
      item: (it: DunningRun) => toBody(Run, it),
      cursor: (it) => [it.startedAtMs, it.invoiceId],
    });
  },
});

export const dunningRoutes: Route[] = [getPolicy, putPolicy, getRuns];

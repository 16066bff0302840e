import { z } from "zod";

import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, iso, isoOrNull } from "#platform/http/schema.ts";

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
import { Moment, Version, listFrom } from "./wire.ts";

export const DUNNING_READ = "billing:dunning:read";
export const DUNNING_WRITE = "billing:dunning:write";

const Changeable = {
  retryDays: z
    .array(z.int().min(0).max(365))
    .max(20)
    .refine(isStrictlyIncreasing, { error: "give the days in rising order, each once" })
    .describe("When to try again, in days after the first failure"),
  finally: z.enum(["cancel", "unpaid"]).describe("What becomes of the subscription in the end"),
};
const Policy = z.strictObject({ ...Changeable, version: Version }).meta({ id: "DunningPolicy" });

const answerOf = ({ retryDays, ...it }: StoredPolicy) => ({
  status: 200 as const,
  headers: etagOf(it.version),
  body: { ...it, retryDays: [...retryDays] },
});

const getPolicy = route({
  method: "GET",
  path: "/v1/dunning-policy",
  operationId: "getDunningPolicy",
  tag: "Dunning",
  summary: "When failed collections are tried again",
  rule: { allow: "permission", permission: DUNNING_READ },
  reads: "replica",
  answers: { 200: { description: "The policy", body: Policy } },
  handle: async ({ read }) => answerOf(await readPolicy(read)),
});

const putPolicy = route({
  method: "PUT",
  path: "/v1/dunning-policy",
  operationId: "setDunningPolicy",
  tag: "Dunning",
  summary: "Changes when failed collections are tried again",
  description: "Holds for what is planned from now on; a retry that is planned already stays.",
  rule: { allow: "permission", permission: DUNNING_WRITE },
  body: z.strictObject(Changeable),
  ifMatch: "required",
  answers: { 200: { description: "Changed", body: Policy } },
  handle: ({ body, write, ifMatch }) =>
    write(async (tx) => {
      checkVersion(ifMatch, (await lockPolicy(tx)).version);
      return answerOf(await savePolicy(tx, body));
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

const runBody = ({ startedMs, nextMs, ...it }: DunningRun): z.input<typeof Run> => ({
  ...it,
  startedAt: iso(startedMs),
  nextAt: isoOrNull(nextMs),
});

const getRuns = route({
  method: "GET",
  path: "/v1/dunning",
  operationId: "listDunning",
  tag: "Dunning",
  summary: "Invoices whose collection failed, newest first",
  rule: { allow: "permission", permission: DUNNING_READ },
  query: pageQuery({ status: z.enum(DUNNING_STATUSES).optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of them", body: pageOf(Run) } },
  async handle({ query, read }) {
    const rows = await listRuns(read, { ...listFrom(query), status: query.status });
    const by = {
      item: runBody,
      cursor: (it: DunningRun) => [it.startedMs, it.invoiceId] as const,
    };
    return { status: 200, body: cutPage(rows, query.limit, by) };
  },
});

export const dunningRoutes: Route[] = [getPolicy, putPolicy, getRuns];

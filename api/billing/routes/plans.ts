import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { checkVersion, versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import { newId } from "#platform/ids.ts";

import {
  type Plan,
  insertPlan,
  listPlans,
  lockPlan,
  readPlan,
  updatePlan,
} from "../repositories/catalog.ts";
import { Flag, Moment, Version } from "./wire.ts";

const PlanBody = z
  .strictObject({
    id: idOf("pln"),
    name: z.string(),
    description: z.string(),
    archived: z.boolean().describe("No longer for sale"),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Plan" });

const bodyOf = (it: Plan) => toBody(PlanBody, it);

const params = z.strictObject({ planId: idOf("pln") });
const rule = { allow: "permission", permission: "billing:catalog:write" } as const;
const Name = text({ max: 200 });
const Description = z.string().max(2_000);

const addPlan = route({
  method: "POST",
  path: "/v1/plans",
  operationId: "addPlan",
  tag: "Catalogue",
  summary: "Create a plan",
  description: "A plan is sold at one or more prices.",
  rule,
  body: z.strictObject({ name: Name, description: Description.default("") }),
  idempotency: "optional",
  responses: { 201: { description: "Created", body: PlanBody } },
  handle: ({ body, write, nowMs }) =>
    write(async (tx) => {
      const plan = await insertPlan(tx, { ...body, id: newId("pln"), createdAtMs: nowMs });
      return versioned(201, bodyOf(plan));
    }),
});

const getPlans = route({
  method: "GET",
  path: "/v1/plans",
  operationId: "listPlans",
  tag: "Catalogue",
  summary: "List plans, newest first",
  rule: { allow: "signed-in" },
  query: pageQuery({ archived: Flag.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of plans", body: pageOf(PlanBody) } },
  async handle({ query, read }) {
    const rows = await listPlans(read, { ...pageStart(query), archived: query.archived });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const getPlan = route({
  method: "GET",
  path: "/v1/plans/{planId}",
  operationId: "getPlan",
  tag: "Catalogue",
  summary: "Get a plan",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  responses: { 200: { description: "The plan", body: PlanBody } },
  handle: async ({ params: { planId }, read }) =>
    versioned(200, bodyOf(await readPlan(read, planId))),
});

const patchPlan = route({
  method: "PATCH",
  path: "/v1/plans/{planId}",
  operationId: "updatePlan",
  tag: "Catalogue",
  summary: "Update or archive a plan",
  description: "An archived plan is no longer for sale; its subscriptions continue.",
  rule,
  params,
  body: z.strictObject({
    name: Name.optional(),
    description: Description.optional(),
    archived: z.boolean().optional(),
  }),
  ifMatch: "required",
  responses: { 200: { description: "Updated", body: PlanBody } },
  handle: ({ params: { planId }, body, write, ifMatch }) =>
    write(async (tx) => {
      checkVersion(ifMatch, (await lockPlan(tx, planId)).version);
      return versioned(200, bodyOf(await updatePlan(tx, planId, body)));
    }),
});

export const planRoutes: Route[] = [addPlan, getPlans, getPlan, patchPlan];

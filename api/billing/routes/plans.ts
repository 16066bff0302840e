import { z } from "zod";

import { cutPage } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text, iso } from "#platform/http/schema.ts";
import { newId } from "#platform/ids.ts";

import { type Plan, insertPlan, listPlans, readPlan, updatePlan } from "../repositories/catalog.ts";
import { Flag, Moment, Version, createdCursor, listFrom } from "./wire.ts";

const PlanBody = z
  .strictObject({
    id: idOf("pln"),
    name: z.string(),
    description: z.string(),
    archived: z.boolean().describe("Not sold any more"),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "Plan" });

const bodyOf = ({ createdMs, ...it }: Plan): z.input<typeof PlanBody> => ({
  ...it,
  createdAt: iso(createdMs),
});

const params = z.strictObject({ planId: idOf("pln") });
const rule = { allow: "permission", permission: "billing:catalog:write" } as const;
const Name = text({ max: 200 });
const Description = z.string().max(2_000);

const addPlan = route({
  method: "POST",
  path: "/v1/plans",
  operationId: "addPlan",
  tag: "Catalogue",
  summary: "Adds a plan: what is sold, at one or more prices",
  rule,
  body: z.strictObject({ name: Name, description: Description.default("") }),
  idempotency: "optional",
  answers: { 201: { description: "Added", body: PlanBody } },
  handle: ({ body, write, nowMs }) =>
    write(async (tx) => {
      const plan = { ...body, id: newId("pln"), createdMs: nowMs, archived: false, version: 1 };
      await insertPlan(tx, plan);
      return { status: 201, headers: etagOf(1), body: bodyOf(plan) };
    }),
});

const getPlans = route({
  method: "GET",
  path: "/v1/plans",
  operationId: "listPlans",
  tag: "Catalogue",
  summary: "Plans, newest first",
  rule: { allow: "signed-in" },
  query: pageQuery({ archived: Flag.optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of plans", body: pageOf(PlanBody) } },
  async handle({ query, read }) {
    const rows = await listPlans(read, { ...listFrom(query), archived: query.archived });
    return {
      status: 200,
      body: cutPage(rows, query.limit, { item: bodyOf, cursor: createdCursor }),
    };
  },
});

const getPlan = route({
  method: "GET",
  path: "/v1/plans/{planId}",
  operationId: "getPlan",
  tag: "Catalogue",
  summary: "A plan",
  rule: { allow: "signed-in" },
  params,
  reads: "replica",
  answers: { 200: { description: "The plan", body: PlanBody } },
  async handle({ params: { planId }, read }) {
    const plan = await readPlan(read, planId);
    return { status: 200, headers: etagOf(plan.version), body: bodyOf(plan) };
  },
});

const patchPlan = route({
  method: "PATCH",
  path: "/v1/plans/{planId}",
  operationId: "updatePlan",
  tag: "Catalogue",
  summary: "Changes or archives a plan",
  description: "An archived plan is not sold any more; its subscriptions go on.",
  rule,
  params,
  body: z.strictObject({
    name: Name.optional(),
    description: Description.optional(),
    archived: z.boolean().optional(),
  }),
  ifMatch: "required",
  answers: { 200: { description: "Changed", body: PlanBody } },
  handle: ({ params: { planId }, body, write, ifMatch }) =>
    write(async (tx) => {
      const before = await readPlan(tx, planId, "change");
      checkVersion(ifMatch, before.version);
      const plan = {
        ...before,
        name: body.name ?? before.name,
        description: body.description ?? before.description,
        archived: body.archived ?? before.archived,
        version: before.version + 1,
      };
      await updatePlan(tx, plan);
      return { status: 200, headers: etagOf(plan.version), body: bodyOf(plan) };
    }),
});

export const planRoutes: Route[] = [addPlan, getPlans, getPlan, patchPlan];

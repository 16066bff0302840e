import { z } from "zod";

import { type MemberCaller, type MemberRule, memberRoute } from "#access/route.ts";
import {
  DeployDetail,
  DeployList,
  DeploySummary,
  EffectList,
  PlanAnswer,
} from "#dashboards/deploys/messages.ts";
import { CommandRequest, PlanRequest, StartRequest } from "#dashboards/deploys/requests.ts";
import type { Route } from "#platform/http/route.ts";
import { idOf, queryInt } from "#platform/http/schema.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";
import { seenWorkloads } from "../deploys/views/seen.ts";
import { actorOf, checkAll, type DeployRoutesDeps, maySee } from "./deploy-access.ts";

const TAG = "Deploys";
const WAIT_MS_MAX = 25_000;

const Params = z.strictObject({ deployId: idOf("dep") });
const Version = queryInt({ min: 0, max: 1_000_000_000 });

/** Deploys: plans, starts, commands, and what is known about each. The role `deploys` carries them out. */
export const deployRoutes = ({ deploys }: DeployRoutesDeps): Route<MemberRule>[] => [
  planning(deploys),
  starting(deploys),
  listing(deploys),
  reading(deploys),
  effects(deploys),
  commanding(deploys),
];

const planning = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/deploys/plan",
    operationId: "planDeploy",
    tag: TAG,
    summary: "Returns what a deploy would do, and changes nothing",
    rule: { allow: "act", act: "see" },
    body: PlanRequest.meta({ example: { workload: "billing", release: "r2" } }),
    responses: { 200: { description: "The plan and its hash", body: PlanAnswer } },
    async handle(call) {
      checkAll(call, "see", [call.body.workload]);
      return { status: 200, body: await deploys.ask("plan", call.body) };
    },
  });

const starting = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/deploys",
    operationId: "startDeploy",
    tag: TAG,
    summary: "Queues a deploy, which starts when it is its turn",
    description:
      "With `planHash` nothing is queued if the plan is another one now. Repetitions with the same Idempotency-Key return the same deploy.",
    rule: { allow: "act", act: "start" },
    idempotency: "required",
    body: StartRequest.meta({
      example: { workload: "billing", release: "r2", reason: "invoices in euros" },
    }),
    responses: { 202: { description: "The deploy", body: DeploySummary } },
    async handle(call) {
      const { body, caller, idempotencyKey } = call;
      checkAll(call, "start", [body.workload]);
      const key = keyOf(caller, idempotencyKey);
      const deploy = await deploys.ask("start", { ...body, actor: actorOf(caller), key });
      return { status: 202, headers: etagOf(deploy), body: deploy };
    },
  });

const listing = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploys",
    operationId: "listDeploys",
    tag: TAG,
    summary: "Lists deploys, newest first",
    rule: { allow: "act", act: "see" },
    query: z.strictObject({
      workload: z.string().max(100).optional(),
      before: queryInt({ min: 0, max: 999_999_999_999_999 })
        .optional()
        .describe("`next` of the page before"),
      limit: queryInt({ min: 1, max: 100, fallback: 20 }),
    }),
    responses: {
      200: { description: "The deploys of workloads that the caller may see", body: DeployList },
    },
    async handle(call) {
      const { workload, before, limit } = call.query;
      if (workload !== undefined) checkAll(call, "see", [workload]);
      const among =
        workload === undefined ? await seenWorkloads(deploys, (it) => maySee(call, it)) : {};
      const page = { workload, limit, ...among, ...(before === undefined ? {} : { before }) };
      const { deploys: found, next } = await deploys.ask("list", page);
      const seen = found.filter((it) => maySee(call, it.workload));
      return { status: 200, body: { deploys: seen, next } };
    },
  });

const reading = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploys/{deployId}",
    operationId: "getDeploy",
    tag: TAG,
    summary: "Returns a deploy with its steps, history and live numbers",
    description:
      "With `after`, the version that the client has, it waits for a change: the answer comes as soon as there is one, at the latest after `waitMs`.",
    rule: { allow: "act", act: "see" },
    params: Params,
    query: z.strictObject({
      after: Version.optional(),
      waitMs: queryInt({ min: 0, max: WAIT_MS_MAX, fallback: 0 }),
    }),
    responses: { 200: { description: "The deploy", body: DeployDetail } },
    async handle(call) {
      const { after, waitMs } = call.query;
      const id = call.params.deployId;
      await workloadOf(deploys, id, (it) => checkAll(call, "see", [it]));
      const wait = after === undefined ? {} : { after, waitMs };
      const detail = await deploys.ask("deploy", { id, ...wait });
      return { status: 200, headers: etagOf(detail.deploy), body: detail };
    },
  });

const effects = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploys/{deployId}/effects",
    operationId: "listEffects",
    tag: TAG,
    summary:
      "Lists the requests that a deploy made to fleet, edge and one-off work, with their replies",
    rule: { allow: "act", act: "see" },
    params: Params,
    responses: {
      200: { description: "In the order in which they were intended", body: EffectList },
    },
    async handle(call) {
      const id = call.params.deployId;
      await workloadOf(deploys, id, (it) => checkAll(call, "see", [it]));
      return { status: 200, body: await deploys.ask("effects", { id }) };
    },
  });

const commanding = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/deploys/{deployId}/commands",
    operationId: "commandDeploy",
    tag: TAG,
    summary: "Pauses, resumes, holds, aborts, rolls back or forces a deploy",
    description:
      "`GET /api/deploys/{deployId}` lists which commands it accepts now. With If-Match nothing happens if the deploy has changed since it was read.",
    // Which act is in the body; whoever may see a deploy reaches the check of it.
    rule: { allow: "act", act: "see" },
    params: Params,
    ifMatch: "optional",
    body: CommandRequest.meta({ example: { kind: "roll-back", reason: "complaints" } }),
    responses: { 200: { description: "The deploy after it", body: DeploySummary } },
    async handle(call) {
      const { body, caller, ifMatch } = call;
      const id = call.params.deployId;
      await workloadOf(deploys, id, (it) => checkAll(call, body.kind, [it]));
      const order = { ...body, id, actor: actorOf(caller), version: ifMatch };
      const deploy = await deploys.ask("command", order);
      return { status: 200, headers: etagOf(deploy), body: deploy };
    },
  });

/** Calls `check` with the workload of a deploy. @throws AppError not_found */
async function workloadOf(
  deploys: Deploys,
  id: string,
  check: (workload: string) => void,
): Promise<void> {
  const { deploy } = await deploys.ask("deploy", { id });
  check(deploy.workload);
}

const etagOf = ({ version }: DeploySummary): Record<string, string> => ({ etag: `"${version}"` });

/** Keys of different callers are different. */
export const keyOf = ({ kind, id }: MemberCaller, key: string | undefined): string | undefined =>
  key === undefined ? undefined : `${kind} ${id} ${key}`;

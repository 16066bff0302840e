import { z } from "zod";

import { checkAct, type MemberRule, memberRoute } from "#access/route.ts";
import {
  AuditList,
  FreezeList,
  FreezeView,
  TrainList,
  TrainView,
} from "#dashboards/deploys/messages.ts";
import { FreezeRequest, Reason, TrainRequest } from "#dashboards/deploys/requests.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";
import { idOf, queryInt } from "#platform/http/schema.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";
import { seenFreezes } from "../deploys/views/seen.ts";
import { actorOf, checkAll, type DeployRoutesDeps, maySee } from "./deploy-access.ts";
import { keyOf } from "./deploys.ts";

const TAG = "Deploys";

/** Times without deploys, trains of several workloads, and who did what. */
export const freezeRoutes = ({ deploys }: DeployRoutesDeps): Route<MemberRule>[] => [
  freezes(deploys),
  freezing(deploys),
  thawing(deploys),
  trains(deploys),
  startingTrain(deploys),
  audit(deploys),
];

const freezes = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/freezes",
    operationId: "listFreezes",
    tag: TAG,
    summary: "Lists the times in which no deploy starts",
    rule: { allow: "act", act: "see" },
    responses: {
      200: {
        description:
          "Those of all workloads, and of workloads that the caller may see, without the others",
        body: FreezeList,
      },
    },
    async handle(call) {
      const all = await deploys.ask("freezes", {});
      return { status: 200, body: { freezes: seenFreezes(all, (it) => maySee(call, it)) } };
    },
  });

const freezing = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/freezes",
    operationId: "addFreeze",
    tag: TAG,
    summary: "Adds a time in which no deploy starts",
    description: "Deploys that have started go on, and every deploy can be rolled back.",
    rule: { allow: "act", act: "freeze" },
    idempotency: "optional",
    body: FreezeRequest.meta({
      example: {
        name: "Weekend",
        workloads: [],
        period: {
          kind: "recurring",
          start: "0 16 * * 5",
          end: "0 7 * * 1",
          timezone: "Europe/Madrid",
        },
        reason: "nobody is there",
      },
    }),
    responses: { 201: { description: "The freeze", body: FreezeView } },
    async handle(call) {
      const { body, caller, idempotencyKey } = call;
      checkFreeze(call, body.workloads);
      const key = keyOf(caller, idempotencyKey);
      const freeze = await deploys.ask("freeze", { ...body, actor: actorOf(caller), key });
      return { status: 201, body: freeze };
    },
  });

const thawing = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/freezes/{freezeId}",
    operationId: "removeFreeze",
    tag: TAG,
    summary: "Removes a freeze",
    rule: { allow: "act", act: "freeze" },
    params: z.strictObject({ freezeId: idOf("frz") }),
    query: z.strictObject({ reason: Reason }),
    responses: { 204: { description: "Removed" } },
    async handle(call) {
      const { params, query, caller } = call;
      const id = params.freezeId;
      const freeze = (await deploys.ask("freezes", {})).find((it) => it.id === id);
      if (freeze === undefined) throw new AppError("not_found", `There is no freeze ${id}.`);
      checkFreeze(call, freeze.workloads);
      await deploys.ask("thaw", { id, reason: query.reason, actor: actorOf(caller) });
      return { status: 204 };
    },
  });

/** A freeze without workloads is for all. */
function checkFreeze(call: Parameters<typeof checkAll>[0], workloads: readonly string[]): void {
  if (workloads.length > 0) checkAll(call, "freeze", workloads);
  else checkAct(call.caller, "freeze", { workload: undefined, nowMs: call.nowMs });
}

const trains = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/trains",
    operationId: "listTrains",
    tag: TAG,
    summary: "Lists the trains that have not ended",
    rule: { allow: "act", act: "see" },
    responses: {
      200: {
        description: "The trains of which the caller may see all workloads",
        body: TrainList,
      },
    },
    async handle(call) {
      const all = await deploys.ask("trains", {});
      const seen = all.filter(({ cars }) => cars.every(({ workload }) => maySee(call, workload)));
      return { status: 200, body: { trains: seen } };
    },
  });

const startingTrain = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/trains",
    operationId: "startTrain",
    tag: TAG,
    summary: "Queues the deploys of several workloads, all or none",
    description:
      "A deploy waits for those that its `after` names, and is aborted if one of them fails.",
    rule: { allow: "act", act: "start" },
    idempotency: "required",
    body: TrainRequest.meta({
      example: {
        name: "July",
        reason: "the July release",
        cars: [
          { workload: "accounts", release: "r2" },
          { workload: "billing", release: "r2", after: ["accounts"] },
        ],
      },
    }),
    responses: { 202: { description: "The train", body: TrainView } },
    async handle(call) {
      const { body, caller, idempotencyKey } = call;
      const workloads = body.cars.map(({ workload }) => workload);
      checkAll(call, "start", workloads);
      const key = keyOf(caller, idempotencyKey);
      const train = await deploys.ask("train", { ...body, actor: actorOf(caller), key });
      return { status: 202, body: train };
    },
  });

const audit = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploy-audit",
    operationId: "listDeployAudit",
    tag: TAG,
    summary: "Lists who did what with deploys and freezes, oldest first",
    description: "Each entry has a hash of itself and of all entries before it.",
    rule: { allow: "act", act: "see" },
    query: z.strictObject({
      after: queryInt({ min: 0, max: 999_999_999_999_999, fallback: 0 }).describe(
        "`next` of the page before",
      ),
      limit: queryInt({ min: 1, max: 500, fallback: 100 }),
    }),
    responses: { 200: { description: "The entries", body: AuditList } },
    async handle({ query, caller, nowMs }) {
      checkAct(caller, "see", { workload: undefined, nowMs });
      return { status: 200, body: await deploys.ask("audit", query) };
    },
  });

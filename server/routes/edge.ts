import { z } from "zod";

import { checkAct, type MemberRule, memberRoute } from "#access/route.ts";
import {
  BanAnswer,
  EdgeTemplate,
  TemplateBegun,
  TemplateMistakes,
} from "#dashboards/deploys/edge-messages.ts";
import { EdgeAnswer } from "#dashboards/deploys/fleet-messages.ts";
import {
  BanRequest,
  TemplateChangeRequest,
  TemplateRequest,
  TemplateRollBackRequest,
} from "#dashboards/deploys/requests.ts";
import type { Route } from "#platform/http/route.ts";
import { queryInt } from "#platform/http/schema.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";
import { seenEdge } from "../deploys/pages/page-content.ts";
import { actorOf, type DeployRoutesDeps, maySee } from "./deploy-access.ts";

const TAG = "Edge";

/** The nodes of the edge, the template of their configuration, and their caches. */
export const edgeRoutes = ({ deploys }: DeployRoutesDeps): Route<MemberRule>[] => [
  edge(deploys),
  template(deploys),
  checking(deploys),
  changing(deploys),
  rollingBack(deploys),
  banning(deploys),
];

const edge = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/edge",
    operationId: "getEdge",
    tag: TAG,
    summary:
      "Lists the nodes of the edge with their routes and slots, versions of the configuration, and caches",
    rule: { allow: "act", act: "see" },
    responses: { 200: { description: "What each node runs", body: EdgeAnswer } },
    async handle(call) {
      const all = await deploys.ask("edge", {});
      return { status: 200, body: seenEdge(all, (workload) => maySee(call, workload)) };
    },
  });

const template = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/edge/template",
    operationId: "getEdgeTemplate",
    tag: TAG,
    summary: "Returns the template of the HAProxy nodes",
    rule: { allow: "act", act: "configure-edge" },
    query: z.strictObject({
      version: queryInt({ min: 0, max: 1_000_000_000 })
        .optional()
        .describe("Default: the current one; 0 is the one that Quarterdeck brings"),
    }),
    responses: { 200: { description: "A version with its text", body: EdgeTemplate } },
    async handle({ query, caller, nowMs }) {
      checkAct(caller, "configure-edge", { workload: undefined, nowMs });
      return { status: 200, body: await deploys.ask("edgeTemplate", query) };
    },
  });

const checking = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/edge/template/check",
    operationId: "checkEdgeTemplate",
    tag: TAG,
    summary: "Checks a template for each node, and changes nothing",
    description: "HAProxy itself checks it, and the ports that it binds must be free.",
    rule: { allow: "act", act: "configure-edge" },
    body: TemplateRequest,
    responses: { 200: { description: "What is wrong, by line", body: TemplateMistakes } },
    async handle({ body, caller, nowMs }) {
      checkAct(caller, "configure-edge", { workload: undefined, nowMs });
      return { status: 200, body: await deploys.ask("checkEdgeTemplate", body) };
    },
  });

const changing = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/edge/template/versions",
    operationId: "changeEdgeTemplate",
    tag: TAG,
    summary: "Checks a template, and gives it to all nodes or to none",
    description:
      "The first node alone gets it until it has proved itself. `GET /api/edge` has the progress. With `base` nothing is changed if another version has come since.",
    rule: { allow: "act", act: "configure-edge" },
    body: TemplateChangeRequest,
    responses: {
      202: {
        description: "The version, which is current already if its text was",
        body: TemplateBegun,
      },
    },
    async handle({ body, caller, nowMs }) {
      checkAct(caller, "configure-edge", { workload: undefined, nowMs });
      const change = { ...body, actor: actorOf(caller) };
      return { status: 202, body: await deploys.ask("changeEdgeTemplate", change) };
    },
  });

const rollingBack = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/edge/template/roll-back",
    operationId: "rollBackEdgeTemplate",
    tag: TAG,
    summary: "Gives an earlier version of the template to all nodes, as a new version",
    rule: { allow: "act", act: "configure-edge" },
    body: TemplateRollBackRequest.meta({ example: { version: 0, reason: "clients were refused" } }),
    responses: { 202: { description: "The new version", body: TemplateBegun } },
    async handle({ body, caller, nowMs }) {
      checkAct(caller, "configure-edge", { workload: undefined, nowMs });
      const order = { ...body, actor: actorOf(caller) };
      return { status: 202, body: await deploys.ask("rollBackEdgeTemplate", order) };
    },
  });

const banning = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/edge/bans",
    operationId: "banFromCaches",
    tag: TAG,
    summary: "Removes responses from all caches: of a URL, with a tag, or of a release",
    description: "Responses name their tags in the header Cache-Tag.",
    rule: { allow: "act", act: "ban" },
    body: BanRequest.meta({ example: { kind: "tag", tag: "product.7", reason: "a wrong price" } }),
    responses: { 200: { description: "Removed from these", body: BanAnswer } },
    async handle({ body, caller, nowMs }) {
      const workload = body.kind === "release" ? body.workload : undefined;
      checkAct(caller, "ban", { workload, nowMs });
      return { status: 200, body: await deploys.ask("ban", { ...body, actor: actorOf(caller) }) };
    },
  });

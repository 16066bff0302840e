import { can } from "#access/policy.ts";
import { type GrantRule, type MemberRule, memberRoute, signedInOf } from "#access/route.ts";
import { SourcesAnswer, SourcesView } from "#dashboards/sources/messages.ts";
import type { Route } from "#platform/http/route.ts";

import { observeSources, type SourcesDeps } from "../sources/answer-sources.ts";
import { FOLLOW_EVENTS } from "./events.ts";

/** Also required by the sockets of the page. */
export const SEE_SOURCES: GrantRule = { allow: "grant", capability: "view", target: "source:*" };
export const MANAGE_SOURCES: GrantRule = {
  allow: "grant",
  capability: "manage",
  target: "source:*",
};

/** What is read, in which state it is, and how its lines were recognised. */
export const sourcesRoute = (deps: SourcesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/sources",
    operationId: "getSources",
    tag: "Sources",
    summary: "Returns the state of each source, and how its lines were recognised",
    description:
      "With `source` also its parts, and the line that arrived last and its fields, for members who may see raw events.",
    rule: SEE_SOURCES,
    query: SourcesView,
    compress: true,
    responses: { 200: { description: "The sources", body: SourcesAnswer } },
    handle({ query, caller }) {
      const subject = { ...signedInOf(caller), nowMs: deps.clock.nowMs() };
      const may = ({ capability, target }: GrantRule): boolean => can(subject, capability, target);
      const sight = { maySeeLines: may(FOLLOW_EVENTS), mayManage: may(MANAGE_SOURCES) };
      return { status: 200, body: observeSources(deps)(query, sight) };
    },
  });

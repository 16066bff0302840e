import { type MemberRule, memberRoute } from "#access/route.ts";
import { SourceList } from "#dashboards/api.ts";
import type { Route } from "#platform/http/route.ts";

import type { WorkspaceStatus } from "../workspace.ts";
import { FOLLOW_EVENTS } from "./events.ts";

const SOURCES_MAX = 200;
const LEVELS = ["error", "warning", "info"] as const;

type SourcesRouteDeps = { workspace(): { status(): Pick<WorkspaceStatus, "sources"> } };

/** What is read, and how its lines were recognised. */
export const sourcesRoute = ({ workspace }: SourcesRouteDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/sources",
    operationId: "getSources",
    tag: "Events",
    summary: "Returns the state of each log, and how its lines were recognised",
    description: `Those with problems first, at most ${SOURCES_MAX}.`,
    rule: FOLLOW_EVENTS,
    compress: true,
    responses: { 200: { description: "The logs", body: SourceList } },
    handle() {
      const all = workspace().status().sources;
      const sorted = LEVELS.flatMap((level) => all.filter((source) => source.level === level));
      const sources = sorted.slice(0, SOURCES_MAX).map(({ path, level, message }) => {
        return { path, level, notes: message.split("; ") };
      });
      return { status: 200, body: { sources, total: all.length } };
    },
  });

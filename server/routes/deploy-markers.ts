import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { DeployMarkers } from "#dashboards/deploys/markers.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { DATASET } from "#pipeline/measures/split-fields.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import { DEPLOYS_DATASET } from "../deploys/views/event.ts";
import { MARKED_ACTIONS, markersOf } from "../deploys/views/markers.ts";
import type { WorkspaceView } from "../workspace.ts";
import { Instant, WATCH_BOARD } from "./board.ts";
import { maySee } from "./deploy-access.ts";

const EVENTS_MAX = 200;

type DeployMarkersDeps = { workspace(): Pick<WorkspaceView, "store">; clock: Clock };

/** The deploys that charts mark. They are read from the store, so they are there without the role that deploys. */
export const deployMarkersRoute = ({ workspace, clock }: DeployMarkersDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploy-markers",
    operationId: "listDeployMarkers",
    tag: "Boards",
    summary:
      "Lists when releases got their first requests and how deploys ended, for the charts of a range",
    rule: WATCH_BOARD,
    query: z.strictObject({ from: Instant, to: Instant }),
    responses: {
      200: { description: "Those of workloads that the caller may see", body: DeployMarkers },
    },
    async handle(call) {
      const range = parseRange(call.query, clock.nowMs());
      if (range === undefined) throw new AppError("bad_request", "give from and to");
      const store = forAsker(workspace().store, { signal: call.signal, asker: call.caller.id });
      const events = await store.search({
        ...range,
        where: [
          { field: DATASET, op: "eq", value: DEPLOYS_DATASET },
          { field: "event.action", op: "one_of", values: MARKED_ACTIONS },
        ],
        limit: EVENTS_MAX,
      });
      const markers = markersOf(events).filter(({ workload }) => maySee(call, workload));
      return { status: 200, body: { markers, isCut: events.length === EVENTS_MAX } };
    },
  });

import { z } from "zod";

import { can } from "#access/policy.ts";
import { type GrantRule, type MemberRule, memberRoute, signedInOf } from "#access/route.ts";
import { Board, MetricCatalogue } from "#dashboards/api.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { CATALOGUE } from "#pipeline/metrics/catalogue.ts";
import { parseQuery, resolveField } from "#pipeline/query-language.ts";
import { parseKnownQuery } from "#pipeline/query/known-fields.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";
import type { OpenProblem } from "#platform/problems.ts";

import { checkMaySplit, withinDeadline } from "../board/board-filter.ts";
import { loadBoard } from "../board/board.ts";
import { visibleProblems } from "../problems/visible-problems.ts";
import type { WorkspaceStatus, WorkspaceView } from "../workspace.ts";
import { hintsFor } from "./search-hints.ts";

/** Sources that the board lists while it waits for the first event. */
const SOURCES_MAX = 20;

export type BoardRoutesDeps = {
  workspace(): WorkspaceView;
  /** Stops the demo, deletes its data, and continues with the real logs. */
  turnDemoOff(): Promise<void>;
  problems(): readonly OpenProblem[];
  clock: Clock;
};

/** Also required by the socket of a board. */
export const WATCH_BOARD: GrantRule = {
  allow: "grant",
  capability: "chart",
  target: "board:home",
};

/** A time in the syntax of `parseInstant`. */
export const Instant = z
  .string()
  .max(100)
  .meta({ example: "now-15m" })
  .describe("now, now-15m, now+3h, 2026-05-17T10:05:00Z, or epoch milliseconds");

/** The home board, the definitions of its metrics, and the switch of the demo. */
export const boardRoutes = (deps: BoardRoutesDeps): Route<MemberRule>[] => [
  boardRoute(deps),
  catalogueRoute,
  demoRoute(deps),
];

const boardRoute = ({ workspace, problems, clock }: BoardRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/board",
    operationId: "getBoard",
    tag: "Boards",
    summary: "Returns everything that the home board shows for a range",
    description: "Default: the last hour, or the range of the data if it is older.",
    rule: WATCH_BOARD,
    compress: true,
    query: z.strictObject({
      from: Instant.optional(),
      to: Instant.optional(),
      dataset: z.string().max(200).optional(),
      q: z
        .string()
        .max(4_000)
        .optional()
        .describe("A query, e.g. `status:404`: only matching events are counted"),
      by: z.string().min(1).max(200).optional().describe("A field to break requests down by"),
      compare: z
        .enum(["previous", "week"])
        .optional()
        .describe("Compare with the previous period, or with the same time last week"),
    }),
    responses: { 200: { description: "The board", body: Board } },
    async handle({ query, caller, nowMs, signal }) {
      const { store: reads, predictions, live, kind, status } = workspace();
      const subject = { ...signedInOf(caller), nowMs };
      const { dataset, compare } = query;
      const where = parseQuery(query.q ?? "");
      const by = query.by === undefined ? undefined : resolveField(query.by);
      checkMaySplit(subject, where, by);
      const range = parseRange(query, clock.nowMs());
      const board = await withinDeadline(signal, async (ending) => {
        // A member's board does not wait for all of the member's searches, but takes turns with them.
        const store = forAsker(reads, { signal: ending, asker: `board of ${caller.id}` });
        await parseKnownQuery(query.q ?? "", { store });
        const { holes } = await store.status();
        const deps = { store, holes, predictions, live, clock, demo: kind === "demo" };
        const loaded = await loadBoard(deps, { range, dataset, where, by, compare });
        const isEmpty = !loaded.values["requests"];
        return { ...loaded, hints: await hintsFor(where, { store, range: loaded, isEmpty }) };
      });
      const maySeeRaw = can(subject, "view", "events:all");
      return {
        status: 200,
        body: {
          ...board,
          problems: visibleProblems(problems(), maySeeRaw),
          waitingFor: maySeeRaw && board.datasets.length === 0 ? sourcesOf(status()) : [],
        },
      };
    },
  });

const sourcesOf = ({ sources }: Pick<WorkspaceStatus, "sources">): Board["waitingFor"] =>
  sources.slice(0, SOURCES_MAX).map(({ path, message }) => ({ path, message }));

const catalogueRoute = memberRoute({
  method: "GET",
  path: "/api/metrics/catalogue",
  operationId: "getMetricCatalogue",
  tag: "Boards",
  summary: "Returns the definition of each metric",
  rule: WATCH_BOARD,
  compress: true,
  responses: { 200: { description: "The metrics", body: MetricCatalogue } },
  handle: () => ({
    status: 200,
    body: Object.values(CATALOGUE).map(({ name, title, unit, meaning }) => ({
      name,
      title,
      unit,
      meaning,
    })),
  }),
});

const demoRoute = ({ workspace, turnDemoOff }: BoardRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/demo",
    operationId: "turnDemoOff",
    tag: "Boards",
    summary: "Turns off the demo and deletes its data",
    rule: { allow: "grant", capability: "own", target: "workspace:current" },
    responses: { 204: { description: "The demo is off" } },
    async handle() {
      if (workspace().kind !== "demo") {
        throw new AppError("conflict", "the demo is not running: the boards show real logs");
      }
      await turnDemoOff();
      return { status: 204 };
    },
  });

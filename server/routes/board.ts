import { z } from "zod";

import { type GrantRule, type MemberRule, memberRoute } from "#access/route.ts";
import { Board, MetricCatalogue } from "#dashboards/api.ts";
import { CATALOGUE } from "#pipeline/metrics/catalogue.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import { loadBoard } from "../board/board.ts";
import type { WorkspaceView } from "../workspace.ts";

export type BoardRoutesDeps = {
  workspace(): WorkspaceView;
  /** Stops the demo, deletes its data, and goes on with the real logs. */
  turnDemoOff(): Promise<void>;
  clock: Clock;
};

/** Also what the socket of a board needs. */
export const WATCH_BOARD: GrantRule = {
  allow: "grant",
  capability: "chart",
  target: "board:home",
};

/** A time as `parseInstant` reads it. */
export const Instant = z
  .string()
  .max(100)
  .meta({ example: "now-15m" })
  .describe("now, now-15m, 2026-05-17T10:05:00Z, or epoch milliseconds");

/** The home board, the meaning of its numbers, and the switch of the demo. */
export const boardRoutes = (deps: BoardRoutesDeps): Route<MemberRule>[] => [
  boardRoute(deps),
  catalogueRoute,
  demoRoute(deps),
];

const boardRoute = ({ workspace, clock }: BoardRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/board",
    operationId: "getBoard",
    tag: "Boards",
    summary: "Everything that the home board shows of a range",
    description: "Without `from` and `to`: the last hour, or the range that the data has.",
    rule: WATCH_BOARD,
    query: z.strictObject({
      from: Instant.optional(),
      to: Instant.optional(),
      dataset: z.string().max(200).optional(),
    }),
    answers: { 200: { description: "The board", body: Board } },
    async handle({ query }) {
      const { store, predictions, live, kind } = workspace();
      const range = parseRange(query, clock.nowMs());
      const deps = { store, predictions, live, clock, demo: kind === "demo" };
      return { status: 200, body: await loadBoard(deps, { range, dataset: query.dataset }) };
    },
  });

const catalogueRoute = memberRoute({
  method: "GET",
  path: "/api/metrics/catalogue",
  operationId: "getMetricCatalogue",
  tag: "Boards",
  summary: "How each number is counted, in words",
  rule: WATCH_BOARD,
  answers: { 200: { description: "The metrics", body: MetricCatalogue } },
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
    summary: "Turns the demo off and deletes its data",
    rule: { allow: "grant", capability: "own", target: "workspace:current" },
    answers: { 204: { description: "The boards show the real logs" } },
    async handle() {
      if (workspace().kind !== "demo") {
        throw new AppError("conflict", "the demo is not on: what you see are real logs");
      }
      await turnDemoOff();
      return { status: 204 };
    },
  });

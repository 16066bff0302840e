import { Hono } from "hono";

import type { MetricCatalogue } from "#dashboards/api.ts";
import { CATALOGUE } from "#pipeline/metrics/catalogue.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { loadBoard } from "../board/board.ts";
import type { Workspace } from "../workspace.ts";

export type BoardRoutesDeps = {
  workspace(): Workspace;
  /** Stops the demo, forgets its data, and goes on with the real logs. */
  turnDemoOff(): Promise<void>;
  clock: Clock;
};

/** The home board, what its numbers mean, and the switch of the demo. */
export function boardRoutes({ workspace, turnDemoOff, clock }: BoardRoutesDeps): Hono {
  const app = new Hono();

  app.get("/api/board", async (c) => {
    const { store, predictions, live, kind } = workspace();
    const range = parseRange({ from: c.req.query("from"), to: c.req.query("to") }, clock.nowMs());
    const deps = { store, predictions, live, clock, demo: kind === "demo" };
    return c.json(await loadBoard(deps, { range, dataset: c.req.query("dataset") }));
  });

  app.get("/api/metrics/catalogue", (c) => {
    const metrics: MetricCatalogue = Object.values(CATALOGUE).map(
      ({ name, title, unit, meaning }) => ({ name, title, unit, meaning }),
    );
    return c.json(metrics);
  });

  app.delete("/api/demo", async (c) => {
    if (workspace().kind !== "demo") {
      throw new AppError("conflict", "the demo is not on: what you see are real logs");
    }
    await turnDemoOff();
    return c.body(null, 204);
  });

  return app;
}

import { type Context, Hono } from "hono";
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { isLoopback } from "#platform/http/peer-address.ts";
import type { Database } from "#platform/postgres/database.ts";

import type { Workspace } from "../workspace.ts";

export type OperationsDeps = {
  workspace(): Workspace;
  database: Database;
  viewers(): number;
  framesSent(): number;
  clock: Clock;
  /** Where a request comes from, behind a proxy too. */
  addressOf(context: Context): string;
};

/** For machines: is the process alive, is it ready to serve, and how is it doing (Prometheus text). */
export function operationsRoutes(deps: OperationsDeps): Hono {
  const app = new Hono();
  const registry = openRegistry(deps);

  app.get("/livez", (c) => c.json({ status: "ok" }));

  app.get("/readyz", async (c) => {
    const checks = {
      postgres: await answered(deps.database.query("SELECT 1")),
      store: await answered(deps.workspace().store.extents()),
      // Anybody may ask, so the reason, which names paths, stands in the log alone.
      indexer: deps.workspace().status().storeError === null ? "ok" : "cannot store events",
    };
    const ready = Object.values(checks).every((state) => state === "ok");
    return c.json({ status: ready ? "ok" : "not ready", checks }, ready ? 200 : 503);
  });

  app.get("/metrics", async (c) => {
    if (!isLoopback(deps.addressOf(c))) {
      throw new AppError("forbidden", "Metrics are for programs on this machine.");
    }
    c.header("content-type", registry.contentType);
    return c.body(await registry.metrics());
  });

  return app;
}

async function answered(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "ok",
    () => "does not answer",
  );
}

type Sample = [name: string, help: string, value: () => number | Promise<number>];

function openRegistry(deps: OperationsDeps): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "quarterdeck_" });
  for (const [name, help, value] of gauges(deps)) {
    registry.registerMetric(
      new Gauge({
        name: `quarterdeck_${name}`,
        help,
        registers: [],
        async collect() {
          this.set(await value());
        },
      }),
    );
  }
  for (const [name, help, value] of counters(deps)) {
    registry.registerMetric(
      new Counter({
        name: `quarterdeck_${name}_total`,
        help,
        registers: [],
        async collect() {
          this.reset();
          this.inc(await value());
        },
      }),
    );
  }
  return registry;
}

function gauges(deps: OperationsDeps): Sample[] {
  return [
    ["viewers", "Sockets that are open.", () => deps.viewers()],
    ["store_rows", "Events in the store.", async () => (await status(deps)).rows],
    ["store_bytes", "Bytes of the store's segments.", async () => (await status(deps)).bytes],
    ["store_segments", "Segments of the store.", async () => (await status(deps)).segments],
    [
      "sources_failing",
      "Sources that cannot be read.",
      () =>
        deps
          .workspace()
          .status()
          .sources.filter(({ level }) => level === "error").length,
    ],
    [
      "newest_event_age_seconds",
      "Seconds since the newest event that is stored.",
      async () => {
        const extents = await deps.workspace().store.extents();
        const newest = Math.max(...extents.map(({ toMs }) => toMs));
        return Number.isFinite(newest) ? (deps.clock.nowMs() - newest) / 1000 : 0;
      },
    ],
  ];
}

function counters(deps: OperationsDeps): Sample[] {
  return [
    ["frames_sent", "Live frames sent to rooms.", () => deps.framesSent()],
    [
      "store_queries",
      "Queries that the store answered: live tiles do not move it.",
      async () => (await status(deps)).queries,
    ],
    ["lines_read", "Log lines read.", () => deps.workspace().status().lines],
    [
      "lines_quarantined",
      "Log lines that no format understood.",
      () => deps.workspace().status().quarantined,
    ],
  ];
}

const status = (deps: OperationsDeps): ReturnType<Workspace["store"]["status"]> =>
  deps.workspace().store.status();

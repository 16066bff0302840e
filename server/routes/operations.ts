import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { OpenRule } from "#platform/http/access-control.ts";
import { isFromThisMachine } from "#platform/http/client-address.ts";
import { healthRoutes } from "#platform/http/health-routes.ts";
import { type Route, openRoute } from "#platform/http/route.ts";
import type { MetricJson } from "#platform/metrics/metric-json.ts";
import { METRICS_MEDIA, metricsText } from "#platform/metrics/metrics.ts";
import type { Database } from "#platform/postgres/database.ts";
import type { OpenProblem } from "#platform/problems.ts";

import { rangeOfAll } from "../board/tier.ts";
import { KINDS } from "../problems/kinds.ts";
import type { WorkspaceView } from "../workspace.ts";

export type OperationsDeps = {
  workspace(): WorkspaceView;
  database: Database;
  viewers(): number;
  framesSent(): number;
  problems(): readonly OpenProblem[];
  clock: Clock;
  /** Metrics of the routes and of the receivers. */
  otherMetrics(): MetricJson[];
};

/** Liveness, readiness and Prometheus metrics of the control plane. */
export function operationsRoutes(deps: OperationsDeps): Route<OpenRule>[] {
  const registry = openRegistry(deps);
  return [
    ...healthRoutes(
      {
        postgres: () => deps.database.query("SELECT 1"),
        store: () => deps.workspace().store.extents(),
        indexer: async () => {
          const { indexers, indexerFailure } = deps.workspace().status();
          if (indexerFailure === null || indexers > 0) return;
          throw new AppError("unavailable", "has failed");
        },
      },
      deps.problems,
    ),
    openRoute({
      method: "GET",
      path: "/metrics",
      operationId: "metrics",
      tag: "Operations",
      summary: "Requests, sockets, store and process, for Prometheus",
      rule: { allow: "anyone", why: "programs on this machine; others are refused" },
      responses: { 200: { description: "Prometheus text", media: METRICS_MEDIA } },
      async handle({ caller, incoming }) {
        if (!isFromThisMachine(caller, incoming)) {
          throw new AppError("forbidden", "Metrics are for programs on this machine.");
        }
        const text = `${await registry.metrics()}\n${await metricsText([deps.otherMetrics()])}`;
        return new Response(text, { headers: { "content-type": METRICS_MEDIA } });
      },
    }),
  ];
}

type Sample = [name: string, help: string, value: () => number | Promise<number>];

function openRegistry(deps: OperationsDeps): Registry {
  const registry = new Registry();
  registry.registerMetric(problemGauge(deps));
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
  registry.registerMetric(droppedCounter(deps));
  registry.registerMetric(redactedCounter(deps));
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

/** Every kind has a value also while it has no problem, so that alerts can refer to it. */
const problemGauge = ({ problems }: OperationsDeps): Gauge<"kind" | "level"> =>
  new Gauge({
    name: "quarterdeck_problems",
    help: "Present problems, as the boards list them.",
    labelNames: ["kind", "level"],
    registers: [],
    collect() {
      this.reset();
      for (const [kind, { level }] of Object.entries(KINDS)) this.set({ kind, level }, 0);
      for (const { kind, level } of problems()) this.inc({ kind, level });
    },
  });

function droppedCounter(deps: OperationsDeps): Counter<"rule"> {
  return new Counter({
    name: "quarterdeck_events_dropped_total",
    help: "Events that were dropped by rules (QUARTERDECK_PROCESSING), by rule.",
    labelNames: ["rule"],
    registers: [],
    collect() {
      this.reset();
      for (const [rule, events] of Object.entries(deps.workspace().status().dropped)) {
        this.inc({ rule }, events);
      }
    },
  });
}

function redactedCounter(deps: OperationsDeps): Counter<"kind" | "dataset"> {
  return new Counter({
    name: "quarterdeck_secrets_redacted_total",
    help: "Secrets that were replaced in lines that indexers read (QUARTERDECK_PROCESSING), by kind and dataset.",
    labelNames: ["kind", "dataset"],
    registers: [],
    collect() {
      this.reset();
      for (const [name, secrets] of Object.entries(deps.workspace().status().redacted)) {
        const space = name.indexOf(" ");
        this.inc({ kind: name.slice(0, space), dataset: name.slice(space + 1) }, secrets);
      }
    },
  });
}

function gauges(deps: OperationsDeps): Sample[] {
  return [
    ["viewers", "Sockets that are open.", () => deps.viewers()],
    ["store_rows", "Events in the store.", async () => (await status(deps)).rows],
    ["store_bytes", "Bytes of the store's segments.", async () => (await status(deps)).bytes],
    ["store_segments", "Segments of the store.", async () => (await status(deps)).segments],
    [
      "store_files_unreadable",
      "Files of the store that cannot be read.",
      async () => (await status(deps)).problems.filter(({ kind }) => kind === "file").length,
    ],
    [
      "store_events_unreadable",
      "Stored events that cannot be read.",
      async () => (await status(deps)).holes.reduce((sum, { events }) => sum + events, 0),
    ],
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
        const nowMs = deps.clock.nowMs();
        const all = rangeOfAll(await mainExtents(deps.workspace().store, nowMs), nowMs);
        return all ? (nowMs - all.toMs) / 1000 : 0;
      },
    ],
  ];
}

function counters(deps: OperationsDeps): Sample[] {
  return [
    ["frames_sent", "Live frames sent to Socket.IO rooms.", () => deps.framesSent()],
    [
      "store_queries",
      "Store queries; live tiles cause none.",
      async () => (await status(deps)).queries,
    ],
    [
      "store_append_failures",
      "Failed attempts to store events; none are lost.",
      () => deps.workspace().status().storeFailures,
    ],
    [
      "store_upkeep_failures",
      "Failed attempts to merge stored events, or to remove expired ones.",
      () => deps.workspace().status().upkeepFailures,
    ],
    ["lines_read", "Log lines read.", () => deps.workspace().status().lines],
    [
      "lines_quarantined",
      "Log lines that no format could parse.",
      () => deps.workspace().status().quarantined,
    ],
  ];
}

const status = (deps: OperationsDeps): ReturnType<WorkspaceView["store"]["status"]> =>
  deps.workspace().store.status();

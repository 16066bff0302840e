import { AppError } from "#platform/errors.ts";
import { holds } from "#platform/http/caller.ts";
import { isFromThisMachine } from "#platform/http/client-address.ts";
import { healthRoutes } from "#platform/http/health-routes.ts";
import { type Route, openRoute, route } from "#platform/http/route.ts";
import type { MetricJson } from "#platform/metrics/metric-json.ts";
import { METRICS_MEDIA, metricsText } from "#platform/metrics/metrics.ts";
import type { Database } from "#platform/postgres/database.ts";

import type { OpenService, Service } from "./service.ts";

type Deps = {
  service: Service;
  open: OpenService;
  database: Database;
  /** Metrics of all worker processes. */
  allMetrics(): Promise<MetricJson[][]>;
};

/** The routes of every service for operators. */
export function operationRoutes(deps: Deps): Route[] {
  return [
    ...healthRoutes({
      database: () => deps.database.query("SELECT 1"),
      ...deps.open.checks,
    }),
    metricsRoute(deps),
    openRoute({
      method: "GET",
      path: "/",
      operationId: "start",
      tag: "Operations",
      summary: "Redirects to the documentation",
      rule: { allow: "anyone", why: "it only redirects to the documentation" },
      responses: { 302: { description: "To /docs" } },
      handle: () => ({ status: 302, headers: { location: "/docs" } }),
    }),
  ];
}

function metricsRoute({ service, allMetrics }: Deps): Route {
  const permission = `${service.name}:metrics:read`;
  return route({
    method: "GET",
    path: "/metrics",
    operationId: "metrics",
    tag: "Operations",
    summary: "Requests, durations, jobs and processes, for Prometheus",
    description: `The metrics of all worker processes. Programs on this machine may read them; requests from elsewhere or through a proxy need the permission ${permission}.`,
    rule: {
      allow: "anyone",
      why: "programs on this machine; others need a permission",
    },
    responses: { 200: { description: "Prometheus text", media: METRICS_MEDIA } },
    async handle({ caller, incoming }) {
      if (!isFromThisMachine(caller, incoming) && !holds(caller, permission)) {
        const message = `Metrics are for programs on this machine and holders of ${permission}.`;
        throw new AppError("forbidden", message);
      }
      const text = await metricsText(await allMetrics());
      return new Response(text, { headers: { "content-type": METRICS_MEDIA } });
    },
  });
}

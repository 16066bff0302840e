import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { holds } from "#platform/http/caller.ts";
import { isLoopback } from "#platform/http/client-address.ts";
import { type Route, openRoute, route } from "#platform/http/route.ts";
import type { MetricJson } from "#platform/metrics/metric-json.ts";
import { METRICS_MEDIA, metricsText } from "#platform/metrics/metrics.ts";
import type { Database } from "#platform/postgres/database.ts";

import type { OpenService, Service } from "./service.ts";

const Check = z.strictObject({ status: z.string() });
const Ready = z.strictObject({ status: z.string(), checks: z.array(z.string()) });

const CHECK_MS_MAX = 3_000;

type Deps = {
  service: Service;
  open: OpenService;
  database: Database;
  /** Of all worker processes. */
  allMetrics(): Promise<MetricJson[][]>;
};

/** The routes of every service for operators. */
export function operationRoutes(deps: Deps): Route[] {
  const checks = {
    database: async () => void (await deps.database.query("SELECT 1")),
    ...deps.open.checks,
  };
  return [
    route({
      method: "GET",
      path: "/livez",
      operationId: "live",
      tag: "Operations",
      summary: "Whether the process runs",
      rule: { allow: "anyone", why: "asked by load balancers" },
      answers: { 200: { description: "It runs", body: Check } },
      handle: async () => ({ status: 200, body: { status: "ok" } }),
    }),
    route({
      method: "GET",
      path: "/readyz",
      operationId: "ready",
      tag: "Operations",
      summary: "Whether it can serve: its database and what else it needs answer",
      rule: { allow: "anyone", why: "asked by load balancers" },
      answers: { 200: { description: "It can serve", body: Ready } },
      async handle() {
        await Promise.all(Object.entries(checks).map(answersInTime));
        return { status: 200, body: { status: "ready", checks: Object.keys(checks) } };
      },
    }),
    metricsRoute(deps),
    openRoute({
      method: "GET",
      path: "/",
      operationId: "start",
      tag: "Operations",
      summary: "Leads to the documentation",
      rule: { allow: "anyone", why: "it only redirects to the documentation" },
      answers: { 302: { description: "To /docs" } },
      handle: () => ({ status: 302, headers: { location: "/docs" } }),
    }),
  ];
}

/** @throws AppError unavailable, also when a check hangs, because load balancers time out earlier */
async function answersInTime([name, check]: [string, () => Promise<void>]): Promise<void> {
  const late = new AbortController();
  const tooLate = delay(CHECK_MS_MAX, undefined, late).then(() => {
    throw new Error(`no answer in ${CHECK_MS_MAX} ms`);
  });
  try {
    await Promise.race([check(), tooLate]);
  } catch (error) {
    const options = { cause: error, waitMs: 2_000 };
    throw new AppError("unavailable", `${name} does not answer.`, options);
  } finally {
    late.abort();
    tooLate.catch(() => undefined);
  }
}

function metricsRoute({ service, allMetrics }: Deps): Route {
  const permission = `${service.name}:metrics:read`;
  return route({
    method: "GET",
    path: "/metrics",
    operationId: "metrics",
    tag: "Operations",
    summary: "Requests, durations, jobs and processes, for Prometheus",
    description: `Of all worker processes together. Programs on this machine may read it; what comes from elsewhere or through a proxy needs the permission ${permission}.`,
    rule: {
      allow: "anyone",
      why: "programs on this machine; the others are asked for a permission",
    },
    answers: { 200: { description: "Prometheus text", media: METRICS_MEDIA } },
    async handle({ caller, incoming }) {
      const { forwarded, "x-forwarded-for": forwardedFor } = incoming.headers;
      const here = isLoopback(caller.address) && (forwarded ?? forwardedFor) === undefined;
      if (!here && !holds(caller, permission)) {
        const message = `Metrics are for programs on this machine and holders of ${permission}.`;
        throw new AppError("forbidden", message);
      }
      const text = await metricsText(await allMetrics());
      return new Response(text, { headers: { "content-type": METRICS_MEDIA } });
    },
  });
}

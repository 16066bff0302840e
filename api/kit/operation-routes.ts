import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Database } from "#platform/postgres/database.ts";

import { type Route, route } from "./route.ts";
import type { OpenService, Service } from "./service.ts";

const Check = z.strictObject({ status: z.string() });
const Ready = z.strictObject({ status: z.string(), checks: z.array(z.string()) });

/** What every service has for those who run it. */
export function operationRoutes(deps: {
  service: Service;
  open: OpenService;
  database: Database;
  stopping: AbortSignal;
}): Route[] {
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
        if (deps.stopping.aborted) throw new AppError("unavailable", "It is stopping.");
        for (const [name, check] of Object.entries(checks)) {
          await check().catch((error: unknown) => {
            throw new AppError("unavailable", `${name} does not answer.`, {
              cause: error,
              waitMs: 2_000,
            });
          });
        }
        return { status: 200, body: { status: "ready", checks: Object.keys(checks) } };
      },
    }),
  ];
}

import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError } from "../errors.ts";
import type { OpenRule } from "./access-control.ts";
import { type Route, openRoute } from "./route.ts";

/** Readiness checks by name. A check rejects when the program cannot serve; the message of an AppError is public. */
export type HealthChecks = Readonly<Record<string, () => Promise<unknown>>>;

const Live = z.strictObject({ status: z.string() });
const Ready = z.strictObject({ status: z.string(), checks: z.record(z.string(), z.string()) });

/** Load balancers time out later than this. */
const CHECK_MS_MAX = 3_000;
const RETRY_AFTER_S = "2";
const rule = { allow: "anyone", why: "called by load balancers" } as const;

/** Liveness (`/livez`) and readiness (`/readyz`) of a program. */
export function healthRoutes(checks: HealthChecks): Route<OpenRule>[] {
  return [
    openRoute({
      method: "GET",
      path: "/livez",
      operationId: "live",
      tag: "Operations",
      summary: "Whether the process runs",
      rule,
      responses: { 200: { description: "It runs", body: Live } },
      handle: () => ({ status: 200, body: { status: "ok" } }),
    }),
    openRoute({
      method: "GET",
      path: "/readyz",
      operationId: "ready",
      tag: "Operations",
      summary: `Whether it can serve: ${Object.keys(checks).join(", ")}`,
      rule,
      responses: {
        200: { description: "It can serve", body: Ready },
        503: { description: "A check failed", body: Ready },
      },
      async handle() {
        const states = Object.fromEntries(await Promise.all(Object.entries(checks).map(stateOf)));
        return Object.values(states).every((state) => state === "ok")
          ? { status: 200, body: { status: "ready", checks: states } }
          : {
              status: 503,
              headers: { "retry-after": RETRY_AFTER_S },
              body: { status: "not ready", checks: states },
            };
      },
    }),
  ];
}

async function stateOf([name, check]: [string, () => Promise<unknown>]): Promise<[string, string]> {
  const late = new AbortController();
  const tooLate = delay(CHECK_MS_MAX, undefined, late).then(() => {
    throw new AppError("unavailable", `does not answer within ${CHECK_MS_MAX / 1000} s`);
  });
  try {
    await Promise.race([check(), tooLate]);
    return [name, "ok"];
  } catch (error) {
    return [name, error instanceof AppError ? error.message : "does not answer"];
  } finally {
    late.abort();
    tooLate.catch(() => undefined);
  }
}

import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError } from "../errors.ts";
import type { OpenProblem } from "../problems.ts";
import type { OpenRule } from "./access-control.ts";
import { isFromThisMachine } from "./client-address.ts";
import { type Route, openRoute } from "./route.ts";

/** Readiness checks by name. A check rejects when the program cannot serve; the message of an AppError is public. */
export type HealthChecks = Readonly<Record<string, () => Promise<unknown>>>;

const Live = z.strictObject({ status: z.string() });
const ListedProblem = z.strictObject({
  kind: z.string(),
  level: z.enum(["error", "warning"]),
  message: z.string(),
  action: z.string().optional().describe("What to do"),
  since: z.iso.datetime(),
});
const Ready = z.strictObject({
  status: z.string().describe("`ready`, `degraded` (it serves, with problems), or `not ready`"),
  checks: z.record(z.string(), z.string()).describe("`ok`, or why the program cannot serve"),
  problems: z
    .array(ListedProblem)
    .optional()
    .describe("What is wrong although it serves; absent if nothing is. With errors it is degraded"),
});

/** Load balancers time out later than this. */
const CHECK_MS_MAX = 3_000;
const RETRY_AFTER_S = "2";
const rule = { allow: "anyone", why: "called by load balancers" } as const;

/**
 * Liveness (`/livez`) and readiness (`/readyz`) of a program. With problems it still serves with, it is ready, so that
 * a load balancer keeps it, and `degraded`, so that monitoring detects them.
 */
export function healthRoutes(
  checks: HealthChecks,
  problems: () => readonly OpenProblem[] = () => [],
): Route<OpenRule>[] {
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
      async handle({ caller, incoming }) {
        const states = Object.fromEntries(await Promise.all(Object.entries(checks).map(stateOf)));
        const open = problems();
        const list = isFromThisMachine(caller, incoming) ? inDetail : inShort;
        const body = { checks: states, ...(open.length > 0 ? { problems: open.map(list) } : {}) };
        if (Object.values(states).every((state) => state === "ok")) {
          const status = open.some(({ level }) => level === "error") ? "degraded" : "ready";
          return { status: 200, body: { status, ...body } };
        }
        return {
          status: 503,
          headers: { "retry-after": RETRY_AFTER_S },
          body: { status: "not ready", ...body },
        };
      },
    }),
  ];
}

/** Anyone may call `/readyz`, and messages name paths. */
const inShort = ({
  kind,
  level,
  summary,
  sinceMs,
}: OpenProblem): z.input<typeof ListedProblem> => ({
  kind,
  level,
  message: summary,
  since: new Date(sinceMs).toISOString(),
});

const inDetail = (problem: OpenProblem): z.input<typeof ListedProblem> => ({
  ...inShort(problem),
  message: problem.message,
  action: problem.action,
});

async function stateOf([name, check]: [string, () => Promise<unknown>]): Promise<[string, string]> {
  try {
    await withinCheckLimit(check());
    return [name, "ok"];
  } catch (error) {
    return [name, error instanceof AppError ? error.message : "does not answer"];
  }
}

/** @throws AppError unavailable if the result takes too long */
export async function withinCheckLimit<T>(result: Promise<T>): Promise<T> {
  const late = new AbortController();
  const tooLate = delay(CHECK_MS_MAX, undefined, late).then(() => {
    throw new AppError("unavailable", `does not answer within ${CHECK_MS_MAX / 1000} s`);
  });
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    late.abort();
    tooLate.catch(() => undefined);
  }
}
